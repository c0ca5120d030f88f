"""Calls that AWS would refuse, and moto doesn't: the account's limits, credentials that have expired, names that are taken.
A file says which, as a list of objects: `method`, `path` and `body` are searched for in the request (regular expressions),
`status`, `type` and `answer` are what comes back. The file is read for each request; while it isn't there, none is refused."""

import io
import json
import re


class Refusing:
    """A WSGI application before another one."""

    def __init__(self, application, file):
        self.application = application
        self.file = file

    def rules(self):
        try:
            with open(self.file, encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return []

    def __call__(self, environ, start_response):
        rules = self.rules()
        if rules:
            # Whoever announces no body has none, and would never be read to an end.
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            request = {
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "body": body.decode("utf-8", "replace"),
            }
            for rule in rules:
                if all(re.search(rule.get(part, ""), text) for part, text in request.items()):
                    headers = [("Content-Type", rule["type"]), ("x-amzn-ErrorType", rule.get("error", ""))]
                    start_response(f"{rule['status']} Refused", headers)
                    return [rule["answer"].encode()]
        return self.application(environ, start_response)
