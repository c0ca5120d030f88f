"""Refuses calls that AWS would refuse but moto doesn't: limits of the account, expired credentials, names that are taken.
A file contains the rules as a list of objects: `method`, `path` and `body` are regular expressions that are searched for in
the request; `status`, `type` and `answer` are the answer. The file is read for each request; without it no call is refused."""

import io
import json
import re


class Refusing:
    """A WSGI application that answers some requests itself and passes the others to another application."""

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
            # A request without a content-length has no body; reading it would never end.
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
