"""A tiny service for the harness's own test: answers with the name of its pod."""

import http.server
import socket


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = socket.gethostname().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(name)))
        self.end_headers()
        self.wfile.write(name)


print("serving")
http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
