#!/usr/bin/env python3
"""RFC 3161 time-stamp authority over HTTP with `openssl ts`, for tests. argv: the folder of make.sh.
Prints its port and that for TLS, where it wants a client's certificate. Also a responder (POST /ocsp), lists
(GET /issuing.crl, /root.crl), and /basic, which wants the user stamps with the password open. Faults by path: /500, /html, /reject (status rejection), /badsig (damaged token),
/skew (clock two days ahead, needs faketime), /slow (answers after five seconds)."""
import base64, http.server, os, ssl, subprocess, sys, tempfile, threading, time

FOLDER = sys.argv[1]
LOCK = threading.Lock()  # The file of serial numbers is shared.
LOGIN = "Basic " + base64.b64encode(b"stamps:open").decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = os.path.basename(self.path)
        if not name.endswith(".crl") or not os.path.exists(FOLDER + "/" + name):
            return self.answer(404, b"", "text/plain")
        with open(FOLDER + "/" + name, "rb") as file:
            self.answer(200, file.read(), "application/pkix-crl")

    def ocsp(self, query):
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/q", "wb") as file:
                file.write(query)
            done = subprocess.run(
                ["openssl", "ocsp", "-index", FOLDER + "/ocsp.txt", "-CA", FOLDER + "/issuing.pem",
                 "-rsigner", FOLDER + "/issuing.pem", "-rkey", FOLDER + "/issuing.key",
                 "-reqin", folder + "/q", "-respout", folder + "/r"],
                capture_output=True, stdin=subprocess.DEVNULL)
            if done.returncode:
                sys.stderr.write(done.stderr.decode())
                return self.answer(500, b"", "text/plain")
            with open(folder + "/r", "rb") as file:
                self.answer(200, file.read(), "application/ocsp-response")

    def do_POST(self):
        query = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path
        if path.startswith("/ocsp"):
            return self.ocsp(query)
        if path.startswith("/basic") and self.headers.get("Authorization") != LOGIN:
            return self.answer(401, b"", "text/plain")
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


class Mutual(http.server.ThreadingHTTPServer):
    """TLS, for clients that show a certificate of the test root."""

    def get_request(self):
        socket, peer = super().get_request()
        # The certificates are made when the ports are known.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(FOLDER + "/tls.pem", FOLDER + "/tls.key")
        context.load_verify_locations(FOLDER + "/root.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        socket.settimeout(60)
        return context.wrap_socket(socket, server_side=True, do_handshake_on_connect=False), peer

    def handle_error(self, *_):
        pass  # A client without a certificate.


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
mutual = Mutual(("127.0.0.1", 0), Handler)
threading.Thread(target=mutual.serve_forever, daemon=True).start()
print(server.server_address[1], mutual.server_address[1], flush=True)
server.serve_forever()
