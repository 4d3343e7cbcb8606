"""The three ways our programs are deployed, and Debian's memcached as the yardstick.

`for_each_topology(namespace, Cases)` makes a test class of each; `server` is what clients talk to.
A case that fails on the yardstick is a wrong case.
"""

from harness import TestCase


class Yardstick:
    """Debian's memcached itself: what our programs must be like."""

    is_proxy = False

    @staticmethod
    def start(world, **_config):
        return world.memcached()


class Node:
    """Clients talk to one ringcache-node."""

    is_proxy = False

    @staticmethod
    def start(world, **_config):
        return world.node()


class ProxyOverNodes:
    """A proxy with two workers in front of three ringcache-nodes."""

    is_proxy = True

    @staticmethod
    def start(world, **config):
        return world.proxy(world.config([world.node() for _ in range(3)], **config))


class ProxyOverMemcached:
    """The same proxy in front of three of Debian's memcacheds."""

    is_proxy = True

    @staticmethod
    def start(world, **config):
        return world.proxy(world.config([world.memcached() for _ in range(3)], **config))


TOPOLOGIES = (Yardstick, Node, ProxyOverNodes, ProxyOverMemcached)


class SharedServerCase(TestCase):
    """Cases that run against one server that lives as long as the class."""

    topology = None

    @classmethod
    def setUpClass(cls):
        cls.server = cls.topology.start(cls.share_world())

    def setUp(self):
        pass


def for_each_topology(namespace, *mixins, topologies=TOPOLOGIES):
    """Adds one test class per mixin and topology to the module `namespace` (its globals())."""
    for mixin in mixins:
        for topology in topologies:
            name = f"{mixin.__name__}_{topology.__name__}"
            namespace[name] = type(name, (mixin, SharedServerCase),
                                   {"topology": topology, "__module__": namespace["__name__"]})
