"""As much of requests as the samples use."""

import json as _json
import urllib.error
import urllib.request


class _Response:
    def __init__(self, body):
        self._body = body

    def json(self):
        return _json.loads(self._body)


def post(url, headers, json):
    request = urllib.request.Request(url, _json.dumps(json).encode(), headers, method="POST")
    with urllib.request.urlopen(request) as response:
        return _Response(response.read())
