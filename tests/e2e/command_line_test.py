#!/usr/bin/python3
"""What a person at a terminal gets: options, exit codes, and errors that say what to do."""

import json
import re

from basics import can_connect
from harness import HOST, NODE, PROXY, TestCase, Wire, find_peer, free_port, main
from processes import Server

OK, FAILURE, USAGE, CONFIG = 0, 1, 2, 78


class CommandLine(TestCase):
    def check(self, argv, code, *patterns):
        """Runs it; its exit code, and every pattern in what it prints. Returns (out, err)."""
        got, out, err = self.world.run(argv)
        self.assertEqual(got, code, f"{argv}\n{out}{err}")
        for pattern in patterns:
            self.assertRegex(out + err, pattern)
        return out, err

    def test_help_and_version(self):
        for program, options in ((NODE, ["-p", "-m", "-t", "-l", "-c", "-I", "-f", "-M", "-s", "-a",
                                         "-v", "-o", "-V", "-h", "--metrics", "--metrics-prefix"]),
                                 (PROXY, ["-c", "-n", "--check", "--against", "--route",
                                          "--print-config", "--print-schema"])):
            with self.subTest(program):
                out, err = self.check([program, "--help"], OK)
                self.assertEqual(err, "")
                for option in options:
                    self.assertRegex(out, rf"(?m)(^|[\s,]){re.escape(option)}\b")
                self.check([program, "-V"], OK, r"ringcache-\w+ \d+\.\d+\.\d+")

    def test_bad_option_is_named(self):
        for argv, pattern in (([NODE, "--no-such"], "--no-such"),
                              ([NODE, "-p", "banana"], "banana"),
                              ([NODE, "-p", "70000"], "70000"),
                              ([NODE, "-m", "-5"], "-5"),
                              ([NODE, "-t", "many"], "many"),
                              ([NODE, "-o", "no_such_extension"], "no_such_extension"),
                              ([PROXY, "--no-such"], "--no-such"),
                              ([PROXY], "-c"),
                              ([PROXY, "-n", "host:port:again"], "host:port:again")):
            with self.subTest(argv[1:]):
                _, err = self.check(argv, USAGE, pattern)
                self.assertTrue(err)

    def test_option_that_would_be_dangerous_to_ignore_is_refused_by_name(self):
        for words in (["-U", "1"], ["-B", "binary"], ["-S"], ["-e", "/tmp/x"],
                      ["-o", "ext_path=/tmp/x:1G"], ["-o", "proxy_config=/tmp/x"]):
            with self.subTest(words):
                self.check([NODE, *words], USAGE, re.escape(words[0]) + ".*memcached has this")

    def test_every_option_of_the_installed_memcached_is_known(self):
        _, text, _ = self.world.run([find_peer("memcached"), "-h"])
        options = re.findall(r"(?m)^(-\w)(?:,? +(--[\w-]+))?(.*)", text)
        self.assertGreater(len(options), 30)
        good = {"-B": "auto", "-o": "modern"}
        for short, long, rest in options:
            takes_value = rest.lstrip().startswith(("=<", "<")) or short in ("-N", "-R", "-o")
            for option in filter(None, (short, long)):
                with self.subTest(option):
                    # With -V it goes no further than the words.
                    value = [good.get(short, "0" if short == "-U" else "1")] if takes_value else []
                    code, out, err = self.world.run([NODE, option] + value + ["-V"])
                    if code != OK:
                        self.assertIn(short, ("-S", "-Z", "-e"))
                        self.assertRegex(out + err,
                                         re.escape(short) + ".*memcached has this option")
        words = re.findall(r"(?m)^   - (\w+):", text)
        self.assertGreater(len(words), 40)
        for word in words:
            with self.subTest(word):
                _, err = self.check([NODE, "-o", word + ",no_such_word"], USAGE,
                                    f"-o ({word}|no_such_word): ")
                self.assertNotIn(f"-o {word}: no such option", err)

    def test_unix_socket_where_a_file_is(self):
        path = self.world.write("precious", "text")
        self.check([NODE, "-s", path, "--metrics", "off"], FAILURE,
                   re.escape(path) + ".*not a socket, and was not removed")
        with open(path) as file:
            self.assertEqual(file.read(), "text")

    def test_port_in_use(self):
        held = self.world.node()
        port = str(held.port)
        self.check([NODE, "-p", port, "--metrics", "off"], FAILURE, port, "(?i)in use")
        metrics = f"{HOST}:{held.admin_port}"
        self.check([NODE, "-p", str(free_port()), "--metrics", metrics], FAILURE,
                   str(held.admin_port), "(?i)in use")
        config = self.world.config([held])
        config["listen"] = [held.address]
        self.check([PROXY, "-c", self.world.write("held.json", config)], FAILURE, port,
                   "(?i)in use")

    def test_check_of_a_good_file(self):
        path = self.world.write("good.json", {"nodes": ["10.0.0.11:11211", "10.0.0.12:11211"]})
        self.check([PROXY, "--check", path], OK)

    def test_check_names_every_error_and_its_place(self):
        path = self.world.write("bad.json", """{
  "listen": ["127.0.0.1:11211"],
  "thraeds": 2,
  "limits": {"item_size": "1 parsec"},
  "pools": {
    "main": {
      "nodes": ["10.0.0.1:11211", {"address": "10.0.0.2:99999", "weight": -1}],
      "ring": "ketame",
      "ring": "ketama"
    }
  }
}
""")
        out, err = self.check([PROXY, "--check", path], CONFIG)
        text = out + err
        for place in (r"bad\.json:3:3: /thraeds: .*thraeds",
                      r"bad\.json:4:\d+: /limits/item_size: .*parsec",
                      r"bad\.json:7:\d+: /pools/main/nodes/1/address: .*99999",
                      r"bad\.json:7:\d+: /pools/main/nodes/1/weight: ",
                      r"bad\.json:8:\d+: /pools/main/ring: .*ketame",
                      r"bad\.json:9:\d+: /pools/main/ring: .*ring"):
            self.assertRegex(text, place)
        self.assertRegex(text, 'did you mean "?threads')
        self.assertIn("^", text)
        self.assertEqual(self.check([PROXY, "-c", path], CONFIG), (out, err),
                         "running it says the same as checking it")

    def test_check_of_what_is_no_file(self):
        self.check([PROXY, "--check", self.world.path("absent.json")], CONFIG, "absent.json")
        self.check([PROXY, "--check", self.world.folder], CONFIG)
        self.check([PROXY, "--check", "/dev/zero"], CONFIG)

    def test_check_against_reports_what_moves(self):
        nodes = [f"10.0.0.{i}:11211" for i in range(1, 11)]
        old = self.world.write("old.json", {"nodes": nodes})
        new = self.world.write("new.json", {"nodes": nodes + ["10.0.0.11:11211"]})
        out, _ = self.check([PROXY, "--check", new, "--against", old], OK, r"10\.0\.0\.11:11211")
        shares = [float(share) for share in re.findall(r"(\d+(?:\.\d+)?) ?%", out)]
        self.assertTrue(any(7 < share < 11 for share in shares), out)

    def test_route_shows_the_copies_of_a_key(self):
        entries = [{"address": f"10.0.0.{i}:11211", "zone": "ab"[i % 2]} for i in range(4)]
        path = self.world.write("copies.json", {"pools": {"main": {"nodes": entries,
                                                                   "replicas": 2}}})
        out, _ = self.check([PROXY, "--route", "key", "-c", path], OK)
        nodes = [line.split()[1] for line in out.splitlines()
                 if line.startswith(("owner", "copy"))]
        self.assertEqual(len(nodes), 2, out)
        zones = {entry["address"]: entry["zone"] for entry in entries}
        self.assertEqual({zones[node] for node in nodes}, {"a", "b"})

    def test_route(self):
        nodes = [self.world.node() for _ in range(3)]
        config = self.world.config(nodes)
        proxy = self.world.proxy(config)
        keys = [b"key-%d" % i for i in range(20)]
        with Wire(proxy.port) as wire:
            for key in keys:
                self.assertEqual(wire.set(key, b"v"), b"STORED")
        for key in keys:
            out, _ = self.check([PROXY, "--route", key.decode(), "-c", proxy.config_path], OK)
            order = re.findall(r"127\.0\.0\.1:\d+", out)
            with Wire(int(order[0].rsplit(":", 1)[1])) as wire:
                self.assertEqual(wire.get(key), {key: b"v"}, out)
        self.check([PROXY, "--route", "two words", "-c", proxy.config_path], USAGE)

    def test_print_config_and_schema(self):
        path = self.world.write("small.json", {"nodes": ["10.0.0.11:11211"]})
        out, _ = self.check([PROXY, "--print-config", "-c", path], OK)
        whole = json.loads(out)
        self.assertEqual(whole["limits"]["pending_per_node"], 10000)
        again = self.world.write("whole.json", out)
        self.assertEqual(self.check([PROXY, "--print-config", "-c", again], OK)[0], out)
        schema, _ = self.check([PROXY, "--print-schema"], OK)
        self.assertIn("draft-07", json.loads(schema)["$schema"])

    def test_runs_without_a_file(self):
        if can_connect(11211) or can_connect(9160):
            self.skipTest("the default ports, 11211 and 9160, are taken on this machine")
        nodes = [self.world.node() for _ in range(2)]
        listing = ",".join(node.address for node in nodes)
        proxy = Server("proxy-without-file", [PROXY, "-n", listing], self.world.folder, 11211,
                       ours=True, admin_port=9160)
        self.world.processes.append(proxy)
        with Wire(proxy.port) as wire:
            self.assertEqual(wire.set(b"k", b"v"), b"STORED")
            self.assertEqual(wire.get(b"k"), {b"k": b"v"})
        self.assertEqual(proxy.metrics().sum("ringcache_proxy_pool_nodes", pool="default"), 2)

    def test_unix_sockets(self):
        path = self.world.path("node.sock")
        admin = free_port()
        node = Server("unix-node", [NODE, "-s", path, "--metrics", f"{HOST}:{admin}"],
                      self.world.folder, None, ours=True, admin_port=admin)
        self.world.processes.append(node)
        config = self.world.config([f"unix:{path}"])
        proxy = self.world.proxy(config)
        with Wire(proxy.port) as wire:
            self.assertEqual(wire.set(b"k", b"v"), b"STORED")
            self.assertEqual(wire.get(b"k"), {b"k": b"v"})


if __name__ == "__main__":
    main()
