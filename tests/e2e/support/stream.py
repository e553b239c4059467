# SPDX-License-Identifier: Apache-2.0
"""Server-sent events, as a client reads them."""


class Stream:
    """The hints of one person; headers say who, with a JWT or a cookie."""

    def __init__(self, hub, headers, org="acme"):
        self.answer = hub.get(f"/v1/{org}/stream", headers, stream=True)
        assert self.answer.status_code == 200, self.answer.text
        assert self.answer.headers["content-type"].startswith("text/event-stream")
        self.lines = self.answer.iter_lines(chunk_size=1, decode_unicode=True)

    def next(self):
        """The next event by its fields; None when the stream has ended. Comments are passed over."""
        event = {}
        for line in self.lines:
            if not line:
                if "event" in event:
                    return event
                event = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                event[name] = value.strip()
        return None

    def close(self):
        self.answer.close()
