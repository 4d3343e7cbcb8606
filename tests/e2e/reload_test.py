#!/usr/bin/python3
"""A new configuration is taken up whole or not at all, and costs nobody a request."""

import json
import os
import shutil
import signal
import threading

from harness import Failure, TestCase, Wire, eventually, main

KEYS = [b"key-%d" % i for i in range(300)]
RELOADS = "ringcache_proxy_config_reloads_total"


def store_all(port):
    with Wire(port) as wire:
        return {key for key in KEYS if wire.set(key, key) == b"STORED"}


def keys_on(server):
    with Wire(server.port) as wire:
        return set(wire.get(*KEYS))


class Reload(TestCase):
    def start(self, path=None, watch=True):
        """A proxy over two nodes; self.grown is the same with the third node added."""
        self.nodes = [self.world.node() for _ in range(3)]
        self.config = self.world.config(self.nodes[:2], reload={"watch": watch})
        self.grown = json.loads(json.dumps(self.config))
        self.grown["pools"]["main"]["nodes"].append(self.nodes[2].address)
        self.path = path or self.world.path("proxy.json")
        self.put(self.config)
        self.proxy = self.world.proxy(self.path)
        self.assertEqual(store_all(self.proxy.port), set(KEYS))
        self.assertEqual(keys_on(self.nodes[2]), set())
        for _ in range(4):  # each worker connects when it first has a request
            with Wire(self.proxy.port) as wire:
                self.assertEqual(set(wire.get(*KEYS)), set(KEYS))
        self.connects = self.connects_to_old_nodes()

    def put(self, config):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(config if isinstance(config, str) else json.dumps(config, indent=2))

    def connects_to_old_nodes(self):
        metrics = self.proxy.metrics()
        return [metrics.sum("ringcache_proxy_node_connects_total", node=node.address)
                for node in self.nodes[:2]]

    def reloads(self, result):
        return self.proxy.metrics().sum(RELOADS, result=result)

    def wait_reload(self, result, before=0):
        eventually(f"a reload that is {result}", lambda: self.reloads(result) > before)

    def check_grown(self):
        """The third node takes its share, the others keep theirs and their connections."""
        self.wait_reload("applied")
        before = [keys_on(node) for node in self.nodes[:2]]
        self.assertEqual(store_all(self.proxy.port), set(KEYS))
        self.assertTrue(keys_on(self.nodes[2]))
        self.assertEqual([keys_on(node) for node in self.nodes[:2]], before,
                         "no key moves between nodes that were there before")
        metrics = self.proxy.metrics()
        self.assertEqual(metrics.sum("ringcache_proxy_pool_nodes", pool="main"), 3)
        self.assertEqual(metrics.sum("ringcache_proxy_config_last_reload_successful"), 1)
        self.assertEqual(self.connects_to_old_nodes(), self.connects)

    def test_sighup(self):
        self.start(watch=False)
        self.put(self.grown)
        self.proxy.signal(signal.SIGHUP)
        self.check_grown()

    def test_edit_in_place(self):
        self.start()
        self.put(self.grown)
        self.check_grown()

    def test_rename_over(self):
        self.start()
        os.rename(self.world.write("proxy.json.new", self.grown), self.path)
        self.check_grown()

    def test_kubernetes_config_map(self):
        """The file is a link to ..data/proxy.json, and ..data a link that is replaced."""
        mount = self.world.path("mount")
        self.version(mount, "..2001", {})
        os.symlink("..2001", os.path.join(mount, "..data"))
        os.symlink("..data/proxy.json", os.path.join(mount, "proxy.json"))
        self.start(path=os.path.join(mount, "proxy.json"))
        self.version(mount, "..2002", self.grown)
        os.symlink("..2002", os.path.join(mount, "..data_tmp"))
        os.rename(os.path.join(mount, "..data_tmp"), os.path.join(mount, "..data"))
        shutil.rmtree(os.path.join(mount, "..2001"))
        self.check_grown()

    @staticmethod
    def version(mount, name, config):
        folder = os.path.join(mount, name)
        os.makedirs(folder)
        with open(os.path.join(folder, "proxy.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)

    def test_bad_file_keeps_what_runs(self):
        self.start(watch=False)
        bad = dict(self.grown, pools={"main": {"nodes": ["10.0.0.1:99999"], "rnig": "ketama"}})
        for content in (json.dumps(bad, indent=2), '{"listen": [', ""):
            with self.subTest(content[:20]):
                rejected = self.reloads("rejected")
                self.put(content)
                self.proxy.signal(signal.SIGHUP)
                self.wait_reload("rejected", rejected)
                metrics = self.proxy.metrics()
                self.assertEqual(metrics.sum("ringcache_proxy_config_last_reload_successful"), 0)
                self.assertEqual(metrics.sum("ringcache_proxy_pool_nodes", pool="main"), 2)
                self.assertEqual(store_all(self.proxy.port), set(KEYS))
        log = self.proxy.log()
        errors = [line for line in log.splitlines() if "configuration error" in line]
        self.assertRegex(errors[0],
                         r"proxy\.json line=\d+ column=\d+ pointer=/pools/main/nodes/0 .*99999")
        self.assertRegex(errors[1], r"line=\d+ column=\d+ pointer=\S* .*rnig")
        self.put(self.grown)
        self.proxy.signal(signal.SIGHUP)
        self.check_grown()

    def test_a_bad_edit_taken_back_is_no_failure_any_more(self):
        self.start()
        self.put('{"listen": [')
        self.wait_reload("rejected")
        self.put(self.config)
        eventually("good again", lambda: self.proxy.metrics().sum(
            "ringcache_proxy_config_last_reload_successful") == 1)
        self.assertEqual(self.reloads("applied"), 0)

    def test_vanished_file_keeps_what_runs(self):
        self.start(watch=False)
        os.remove(self.path)
        self.proxy.signal(signal.SIGHUP)
        self.wait_reload("rejected")
        self.assertEqual(store_all(self.proxy.port), set(KEYS))
        self.put(self.grown)
        self.proxy.signal(signal.SIGHUP)
        self.check_grown()

    def test_same_content_is_unchanged(self):
        self.start(watch=False)
        self.proxy.signal(signal.SIGHUP)
        self.wait_reload("unchanged")
        self.assertEqual(self.connects_to_old_nodes(), self.connects)

    def test_what_needs_a_restart_is_said(self):
        self.start(watch=False)
        self.put(dict(self.grown, threads=1))
        self.proxy.signal(signal.SIGHUP)
        self.check_grown()
        eventually("the log names /threads", lambda: "/threads" in self.proxy.log())

    def test_requests_go_on_while_nodes_come_and_go(self):
        self.start(watch=False)
        stop, wrong, rounds = threading.Event(), [], [0] * 3

        def work(number):
            with Wire(self.proxy.port) as wire:
                while not stop.is_set():
                    key = b"own-%d-%d" % (number, rounds[number] % 50)
                    value = b"%d" % rounds[number]
                    wire.send(b"set %s 0 0 %d\r\n%s\r\nget %s %s\r\n" %
                              (key, len(value), value, key, KEYS[rounds[number] % 300]))
                    stored, found = wire.line(), wire.values()
                    if stored != b"STORED" or found.get(key, value) != value:
                        wrong.append((key, stored, found))
                    rounds[number] += 1

        workers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
        for worker in workers:
            worker.start()
        for number in range(10):
            applied = self.reloads("applied")
            self.put(self.grown if number % 2 == 0 else self.config)
            self.proxy.signal(signal.SIGHUP)
            self.wait_reload("applied", applied)
            done = list(rounds)
            eventually("every client goes on",
                       lambda d=done: all(r > old + 5 for r, old in zip(rounds, d)))
        stop.set()
        for worker in workers:
            worker.join()
        self.assertEqual(wrong, [])
        self.assertEqual(self.connects_to_old_nodes(), self.connects)


class Drain(TestCase):
    def test_sigterm_answers_what_is_in_flight(self):
        node = self.world.node()
        config = self.world.config([node])
        config["pools"]["main"]["timeouts"] = {"request": "20s"}
        config["limits"] = {"shutdown_grace": "20s"}
        proxy = self.world.proxy(config)
        with Wire(proxy.port) as waiting, Wire(proxy.port) as idle:
            self.assertEqual(waiting.set(b"k", b"v"), b"STORED")
            self.assertEqual(idle.get(b"k"), {b"k": b"v"})
            node.pause()
            waiting.send(b"get k\r\n")
            eventually("the request is on its way", lambda: proxy.metrics().sum(
                "ringcache_proxy_requests_in_flight") == 1)
            proxy.signal(signal.SIGTERM)
            proxy.expect_dead = True
            eventually("not ready any more", lambda: proxy.http_status("/readyz") == 503)
            eventually("new clients are refused", lambda: self.refused(proxy.port))
            self.assertTrue(proxy.alive())
            # Answered while the drain goes on, which would otherwise wait for its own end.
            self.assertEqual(proxy.http("/api/v1/reload", "POST", ""),
                             (503, "the proxy is draining\n"))
            node.resume()
            self.assertEqual(waiting.values(), {b"k": b"v"})
            waiting.wait_closed()
            idle.wait_closed()
        self.assertEqual(proxy.wait_exit(), 0)

    @staticmethod
    def refused(port):
        try:
            Wire(port).close()
        except OSError:
            return True
        return False

    def test_grace_ends_a_drain_that_hangs(self):
        node = self.world.node()
        config = self.world.config([node], limits={"shutdown_grace": "200ms"})
        config["pools"]["main"]["timeouts"] = {"request": "60s"}
        proxy = self.world.proxy(config)
        with Wire(proxy.port) as wire:
            self.assertEqual(wire.get(b"k"), {})
            node.pause()
            wire.send(b"get k\r\n")
            proxy.signal(signal.SIGTERM)
            proxy.expect_dead = True
            self.assertEqual(proxy.wait_exit(), 0)
            try:
                self.assertEqual(wire.values(), {})
            except (Failure, ConnectionError):
                pass  # closed without an answer: what a grace that is over means

    def test_node_drains(self):
        node = self.world.node()
        with Wire(node.port) as wire:
            self.assertEqual(wire.set(b"k", b"v"), b"STORED")
            node.stop()
            wire.wait_closed()
        self.assertEqual(node.popen.returncode, 0)


if __name__ == "__main__":
    main()
