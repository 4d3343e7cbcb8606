"""Certificates made for a test by the openssl program: authorities, servers, clients."""

import os
import subprocess

from basics import HOST, find_peer


class Authority:
    """Signs certificates, all in files of `folder`: <name>.pem and <name>.key."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name = folder, name
        self.file = self._path(name + ".pem")
        self._openssl("req", "-x509", *self._new_key(name), "-days", "30", "-out", self.file,
                      "-subj", f"/CN={name}")

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _openssl(self, *argv):
        subprocess.run([find_peer("openssl"), *argv], check=True, capture_output=True,
                       stdin=subprocess.DEVNULL)

    def _new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self._path(name + ".key")]

    def issue(self, name, days=30):
        """A certificate for `name`, valid on this machine; expired if `days` is negative.
        Returns the paths of certificate and key, which replace older ones of that name."""
        request, pem = self._path(name + ".csr"), self._path(name + ".pem")
        with open(self._path("extensions"), "w", encoding="ascii") as extensions:
            extensions.write(f"subjectAltName=DNS:localhost,IP:{HOST}\n")
        self._openssl("req", *self._new_key(name), "-out", request, "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", request, "-CA", self.file,
                      "-CAkey", self._path(self.name + ".key"), "-CAcreateserial",
                      "-out", pem, "-days", str(days),
                      "-extfile", self._path("extensions"))
        for path in (pem, self._path(name + ".key")):
            os.chmod(path, 0o644)
        return pem, self._path(name + ".key")
