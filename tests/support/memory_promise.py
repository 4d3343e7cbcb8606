"""What a node promises about its memory: the resident size that no load takes it above."""

ITEM_BYTES = 15             # of the hash table, for each item
THREAD_BYTES = 64 * 2**10   # for each worker
PROCESS_BYTES = 8 * 2**20   # the program itself


def promised_bytes(memory_bytes, items, threads, buffer_bytes=0):
    """`memory_bytes` is -m; `buffer_bytes` what docs/node.md allows the connections to hold."""
    return memory_bytes + ITEM_BYTES * items + THREAD_BYTES * threads + PROCESS_BYTES + buffer_bytes
