"""pyftpdlib on one port, set up by a JSON file: the fields of `Setup` in types.ts."""
import json
import logging
import os
import sys
import time

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import (
    FTPHandler,
    PassiveDTP,
    SSLConnection,
    ThrottledDTPHandler,
    TLS_DTPHandler,
    TLS_FTPHandler,
)
from pyftpdlib.servers import ThreadedFTPServer

with open(sys.argv[1]) as file:
    setup = json.load(file)

logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)

reading = "elr"
authorizer = DummyAuthorizer()
authorizer.add_user(
    setup["user"], setup["password"], setup["root"], perm=reading if setup["readOnly"] else reading + "adfmwMT"
)
if setup["anonymous"]:
    authorizer.add_anonymous(setup["root"])


class ThreadedFS(AbstractedFS):
    """Its own changes the directory of the whole process, and back, in each thread: once that is one that has been
    removed meanwhile, every CWD of everybody breaks off."""

    def chdir(self, path):
        os.close(os.open(os.path.join(path, "."), os.O_PATH | os.O_DIRECTORY))
        self.cwd = self.fs2ftp(path)


class ThreadedPassiveDTP(PassiveDTP):
    """Its own closes a first socket, where the server listens on IPv6, and then takes it out of the loop by its number:
    once another thread has opened a file by that number, the session breaks off."""

    def bind_af_unspecified(self, address):
        family = super().bind_af_unspecified(address)
        self.del_channel()
        return family


shut_down_tls = SSLConnection._do_ssl_shutdown
LONGEST_SHUTDOWN_SECONDS = 2


def shut_down_tls_at_last(connection):
    """Its own asks again and again, without a pause, for an end of TLS that never comes where the client has gone in the
    midst of a handshake: some of these, and the server answers nobody any more."""
    connection.shutting_down_since = getattr(connection, "shutting_down_since", time.monotonic())
    if time.monotonic() - connection.shutting_down_since < LONGEST_SHUTDOWN_SECONDS:
        shut_down_tls(connection)
    else:
        super(SSLConnection, connection).close()


SSLConnection._do_ssl_shutdown = shut_down_tls_at_last


class ImplicitTLS(TLS_FTPHandler):
    """TLS from the first byte; the greeting follows the handshake."""

    def handle(self):
        self.secure_connection(self.get_ssl_context())

    def handle_ssl_established(self):
        TLS_FTPHandler.handle(self)

    def ftp_AUTH(self, arg):
        self.respond("503 Already using TLS.")


handler = {"none": FTPHandler, "explicit": TLS_FTPHandler, "implicit": ImplicitTLS}[setup["tls"]]
handler.authorizer = authorizer
handler.abstracted_fs = ThreadedFS
handler.passive_dtp = ThreadedPassiveDTP
handler.auth_failed_timeout = 0
handler.timeout = 0
if setup.get("passivePorts"):
    first, last = setup["passivePorts"]
    handler.passive_ports = range(first, last + 1)

if setup["tls"] != "none":
    handler.certfile = setup["bundleFile"]
    handler.tls_control_required = True
    handler.tls_data_required = True
    context = handler.get_ssl_context()
    if setup.get("tlsVersion"):
        version = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}[setup["tlsVersion"]]
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)

if setup.get("bytesPerSecondPerConnection"):
    base = handler.dtp_handler

    class Throttled(ThrottledDTPHandler, base):
        read_limit = write_limit = setup["bytesPerSecondPerConnection"]

    handler.dtp_handler = Throttled
    # A file sent by the kernel would pass the throttle by.
    handler.use_sendfile = False

server = ThreadedFTPServer((setup["address"], setup["port"]), handler)
server.max_cons = 400
server.max_cons_per_ip = setup["maxConnections"]
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(setup["account"]["gid"])
    os.setuid(setup["account"]["uid"])
server.serve_forever()
