#!/usr/bin/python3
"""Command lines that were written for memcached start the node, and mean what they meant."""

import os
import pwd
import re
import signal
import socket
import subprocess
import unittest

from basics import can_connect
from harness import HOST, NODE, TestCase, Wire, eventually, free_port, main

OK, FAILURE = 0, 1
AS_ROOT = os.geteuid() == 0


def alive(pid):
    """Whether there is such a process that is not just waiting for its parent to notice its end."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Daemons(TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.world.folder, 0o777)  # also for the user of -u
        self.port = free_port()

    def start(self, *options):
        """Starts a daemon and returns its process id; it is stopped when the test ends."""
        argv = [NODE, "-d", "-p", str(self.port), "-t", "1", "--metrics", "off",
                "-P", "node.pid"]
        code, out, err = self.world.run(argv + list(options))
        self.assertEqual(code, OK, out + err)
        with open(self.world.path("node.pid"), encoding="ascii") as file:
            pid = int(file.read())
        self.addCleanup(self.stop, pid)
        return pid, err

    def stop(self, pid):
        if alive(pid):
            os.kill(pid, signal.SIGTERM)
            eventually("the daemon ended", lambda: not alive(pid))

    def test_daemon_answers_when_its_parent_has_ended(self):
        pid, err = self.start()
        with Wire(self.port) as wire:
            self.assertEqual(wire.set(b"k", b"v"), b"STORED")
            self.assertEqual(wire.stats()["pid"], str(pid))
        self.assertRegex(err, "in the background pid=%d log=\"system log\"" % pid)
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual(os.readlink(f"/proc/{pid}/cwd"), "/")
        for number in (0, 1, 2):
            self.assertEqual(os.readlink(f"/proc/{pid}/fd/{number}"), "/dev/null")
        self.stop(pid)
        self.assertFalse(os.path.exists(self.world.path("node.pid")))
        self.assertFalse(can_connect(self.port))

    def test_errors_are_seen_before_the_parent_ends(self):
        held = self.world.node()
        code, _, err = self.world.run([NODE, "-d", "-p", str(held.port), "--metrics", "off",
                                       "-P", self.world.path("node.pid")])
        self.assertEqual(code, FAILURE)
        self.assertRegex(err, "(?i)in use")
        self.assertFalse(os.path.exists(self.world.path("node.pid")))

    def test_paths_do_not_depend_on_the_folder(self):
        self.world.write("passwords", "name:word\n")
        pid, _ = self.start("-Y", "passwords", "-r")
        os.kill(pid, signal.SIGHUP)
        with Wire(self.port) as wire:
            self.assertEqual(wire.set(b"x", b"name word"), b"STORED")
        # For cores it stays where it was.
        self.assertEqual(os.path.realpath(os.readlink(f"/proc/{pid}/cwd")),
                         os.path.realpath(self.world.folder))

    def test_verbose_daemon_keeps_its_log(self):
        log = self.world.path("log")
        with open(log, "wb") as file:
            code = subprocess.run([NODE, "-dv", "-p", str(self.port), "--metrics", "off", "-P",
                                   self.world.path("node.pid")], stderr=file, check=False,
                                  cwd=self.world.folder).returncode
        self.assertEqual(code, OK)
        with open(self.world.path("node.pid"), encoding="ascii") as file:
            pid = int(file.read())
        self.stop(pid)
        with open(log, encoding="utf-8") as file:
            self.assertRegex(file.read(), "stopped all_clients_answered=true")

    def test_pid_file_of_a_living_process(self):
        pid_file = self.world.write("node.pid", str(os.getpid()))
        os.chmod(pid_file, 0o666)
        pid, err = self.start()
        self.assertRegex(err, "WARN the pid file names a process that is running")
        with open(pid_file, encoding="ascii") as file:
            self.assertEqual(int(file.read()), pid)

    def test_pid_file_that_cannot_be_written_is_no_reason_to_stop(self):
        node = self.world.node("-P", "/no/such/folder/x.pid")
        self.assertRegex(node.log(), "WARN cannot write the pid file")

    @unittest.skipUnless(AS_ROOT, "only root can become another")
    def test_user(self):
        nobody = pwd.getpwnam("nobody")
        pid, err = self.start("-u", "nobody")
        self.assertNotIn("runs as root", err)
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            text = status.read()
        self.assertRegex(text, r"Uid:\s+%d\s+%d\s+%d" % ((nobody.pw_uid,) * 3))
        self.assertRegex(text, r"Gid:\s+%d\s+%d\s+%d" % ((nobody.pw_gid,) * 3))
        self.assertNotRegex(text, r"Groups:.*\b0\b")
        code, _, err = self.world.run([NODE, "-u", "no-such-user", "-p", "0"])
        self.assertEqual(code, FAILURE)
        self.assertIn("-u no-such-user: there is no such user", err)

    @unittest.skipUnless(AS_ROOT, "about root")
    def test_root_is_warned(self):
        self.assertIn("WARN runs as root", self.world.node().log())
        self.assertNotIn("runs as root", self.world.node("-u", "root").log())

    def test_locked_memory_is_locked_or_a_warning_says_why_not(self):
        node = self.world.node("-k")
        with open(f"/proc/{node.pid}/status", encoding="ascii") as status:
            locked = int(re.search(r"VmLck:\s+(\d+)", status.read()).group(1))
        self.assertNotEqual(locked > 0, "WARN -k has no effect" in node.log(), node.log())


class Commands(TestCase):
    def test_flush_all_can_be_refused(self):
        node = self.world.node("-F")
        peer = self.world.memcached("-F")
        for server in (node, peer):
            with self.subTest(server.name), Wire(server.port) as wire:
                self.assertEqual(wire.ask(b"flush_all"), b"CLIENT_ERROR flush_all not allowed")
                self.assertEqual(wire.ask(b"flush_all 1"), b"CLIENT_ERROR flush_all not allowed")
                wire.send(b"flush_all noreply\r\n")
                self.assertTrue(wire.nothing_left())
                self.assertEqual(wire.stats(b"settings")["flush_enabled"], "no")

    def test_without_cas(self):
        lines = (b"gets k", b"mg k c", b"md k C5", b"mg k c", b"md k C0")
        answers = []
        for server in (self.world.node("-C"), self.world.memcached("-C")):
            with Wire(server.port) as wire:
                wire.set(b"k", b"v")
                for data in (b"cas k 0 0 1 0\r\nx", b"cas k 0 0 1 1\r\nx", b"ms k 1 c C1\r\nx"):
                    answers.append(wire.ask(data))
                wire.send(b"gets k\r\n")
                answers.append(wire.values())
                answers.extend(wire.ask(line) for line in lines[1:])
                answers.append(wire.stats(b"settings")["cas_enabled"])
        half = len(answers) // 2
        self.assertEqual(answers[:half], answers[half:])
        self.assertEqual(answers[3], {b"k": (b"v", 0)})

    def test_requests_of_a_turn(self):
        """Two clients with deep pipelines on one thread: both get everything, in turns."""
        node = self.world.node("-R", "5", "-t", "1")
        count = 5000
        with Wire(node.port) as one, Wire(node.port) as two:
            for wire, key in ((one, b"a"), (two, b"b")):
                self.assertEqual(wire.set(key, b"0"), b"STORED")
                wire.send(b"incr %s 1\r\n" % key * count)
            for wire in (one, two):
                for i in range(1, count + 1):
                    self.assertEqual(wire.line(), b"%d" % i)
            self.assertGreater(int(one.stats()["conn_yields"]), count // 5)
            self.assertEqual(one.stats(b"settings")["reqs_per_event"], "5")

    def test_a_mebibyte(self):
        """The least -m lowers the size of items, as cache_memlimit does; settings say so."""
        def limits(wire):
            settings = wire.stats(b"settings")
            return [int(settings[name]) >> 10 for name in ("maxbytes", "item_size_max")]
        small, large = self.world.node("-m", "1", "-t", "4"), self.world.node()
        self.assertIn("WARN items are at most 512k, half of -m 1", small.log())
        with Wire(small.port) as one, Wire(large.port) as other:
            self.assertEqual(other.ask(b"cache_memlimit 1"), b"OK")
            for wire in (one, other):
                self.assertEqual(limits(wire), [1024, 512])
                for number in range(100):
                    self.assertEqual(wire.set(b"small-%d" % number, b"x" * 5000), b"STORED")
                self.assertEqual(wire.set(b"k", b"v" * 500_000), b"STORED")
                self.assertEqual(wire.get(b"k"), {b"k": b"v" * 500_000})
            self.assertEqual(other.ask(b"cache_memlimit 64"), b"OK")
            self.assertEqual(limits(other), [65536, 1024])

    def test_every_interface(self):
        port = free_port()
        node = self.world.node("-l", "*", port=port)
        for host in (HOST, "127.0.0.2"):
            with self.subTest(host):
                socket.create_connection((host, port), timeout=5).close()
        self.assertIn(f"listening on 0.0.0.0:{port}", node.log())


class CommandLines(TestCase):
    """Whole command lines, as distributions and images have them."""

    LINES = (
        # Debian: /etc/memcached.conf through systemd-memcached-wrapper.
        "-m 64 -p {port} -u nobody -l 127.0.0.1 -P {folder}/memcached.pid",
        "-v -m 64 -p {port} -u nobody -l 127.0.0.1 -l 127.0.0.2 -c 1024 -P {folder}/memcached.pid",
        # Fedora: /etc/sysconfig/memcached.
        "-p {port} -u nobody -m 64 -c 1024 -l 127.0.0.1,127.0.0.2",
        # The image `memcached`, and what its documentation and compose files add.
        "-p {port} -m 64",
        "-p {port} --memory-limit=64 --conn-limit=1024 --threads=4 --max-item-size=4m",
        "-p {port} -m 64 -I 2m -o modern -v",
        # Bitnami.
        "-u nobody -p {port} --listen=127.0.0.1 -m 64 -c 2048 -t 4 -v",
        # Tuned by hand, over the years.
        "-U 0 -B ascii -p {port} -l 127.0.0.1 -m 100 -M -c 4096 -b 4096 -R 200 -n 72 -f 1.08 -L -C",
        "-p {port} -m 64 -o slab_reassign,slab_automove,slab_automove_window=30,lru_crawler,"
        "lru_maintainer,maxconns_fast,hash_algorithm=murmur3,tail_repair_time=0,idle_timeout=3600",
        "-p {port} -m 64 -o no_lru_crawler,no_lru_maintainer,hashpower=20,no_hashexpand "
        "-o hot_lru_pct=30,warm_lru_pct=30,track_sizes -F -X -W -D : -A",
        "-p {port} -m 64 -o worker_logbuf_size=128,watcher_logbuf_size=512,read_buf_mem_limit=64,"
        "lru_crawler_sleep=200,lru_crawler_tocrawl=1000,slab_chunk_max=512k,resp_obj_mem_limit=2",
    )

    def test_they_start_and_serve(self):
        for line in self.LINES:
            port = free_port()
            words = line.format(port=port, folder=self.world.folder).split()
            with self.subTest(line):
                node = self.world.node(*words, port=port)
                with Wire(port) as wire:
                    self.assertEqual(wire.set(b"k", b"v"), b"STORED")
                    self.assertEqual(wire.get(b"k"), {b"k": b"v"})
                node.stop()

    def test_one_warning_for_each_word_without_effect(self):
        node = self.world.node("-o", "hashpower=20,hashpower=21,no_hashexpand", "-o",
                               "no_lru_maintainer,ext_threads=2,modern,hashpower=20", "-N", "1")
        said = re.findall(r"WARN (\S+ ?\w*) has no effect: ", node.log())
        self.assertEqual(sorted(said), ["-N", "-o ext_threads", "-o hashpower",
                                        "-o no_hashexpand", "-o no_lru_maintainer"])

    def test_settings(self):
        options = ("-R", "7", "-n", "48", "-D", "/", "-A", "-X", "-o",
                   "idle_timeout=9,no_maxconns_fast,temporary_ttl=30,hot_max_factor=0.5")
        node, peer = self.world.node(*options), self.world.memcached(*options)
        with Wire(node.port) as ours, Wire(peer.port) as theirs:
            settings, expected = ours.stats(b"settings"), theirs.stats(b"settings")
        for name in ("maxbytes", "maxconns", "udpport", "verbosity", "evictions", "domain_socket",
                     "umask", "shutdown_command", "chunk_size", "num_threads", "stat_key_prefix",
                     "reqs_per_event", "cas_enabled", "tcp_backlog",
                     "auth_enabled_sasl", "auth_enabled_ascii", "item_size_max", "maxconns_fast",
                     "hashpower_init", "slab_reassign", "lru_crawler", "lru_crawler_sleep",
                     "lru_crawler_tocrawl", "detail_enabled", "tail_repair_time",
                     "flush_enabled", "dump_enabled", "lru_maintainer_thread", "hot_lru_pct",
                     "warm_lru_pct", "hot_max_factor", "warm_max_factor", "temp_lru",
                     "temporary_ttl", "slab_automove", "idle_timeout", "watcher_logbuf_size",
                     "worker_logbuf_size"):
            with self.subTest(name):
                self.assertEqual(settings[name], expected[name])


if __name__ == "__main__":
    main()
