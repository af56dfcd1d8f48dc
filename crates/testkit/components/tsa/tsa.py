#!/usr/bin/env python3
"""RFC 3161 time-stamp authority over HTTP with `openssl ts`, for tests. argv: the folder of make.sh.
Prints its port. Faults by path: /500, /html, /reject (status rejection), /badsig (damaged token),
/skew (clock two days ahead, needs faketime), /slow (answers after five seconds)."""
import http.server, subprocess, sys, tempfile, threading, time

FOLDER = sys.argv[1]
LOCK = threading.Lock()  # The file of serial numbers is shared.


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        query = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path
        if path.startswith("/500"):
            return self.answer(500, b"", "text/plain")
        if path.startswith("/html"):
            return self.answer(200, b"<html>Please sign in</html>", "text/html")
        if self.headers.get("Content-Type") != "application/timestamp-query":
            return self.answer(415, b"", "text/plain")
        if path.startswith("/reject"):
            return self.reply(bytes.fromhex("3009300702010203020520"))
        if path.startswith("/slow"):
            time.sleep(5)
        with tempfile.TemporaryDirectory() as folder, LOCK:
            with open(folder + "/q", "wb") as file:
                file.write(query)
            command = ["openssl", "ts", "-reply", "-config", FOLDER + "/tsa.cnf",
                       "-queryfile", folder + "/q", "-out", folder + "/r"]
            if path.startswith("/skew"):
                command = ["faketime", "+2 days"] + command
            done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
            if done.returncode:
                sys.stderr.write(done.stderr.decode())
                return self.answer(400, b"", "text/plain")
            with open(folder + "/r", "rb") as file:
                reply = file.read()
        if path.startswith("/badsig"):
            reply = reply[:-1] + bytes([reply[-1] ^ 1])
        self.reply(reply)

    def reply(self, body):
        self.answer(200, body, "application/timestamp-reply")

    def answer(self, code, body, kind):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
