"""What our HTTP server and our HTTP door agree on beyond ASGI."""

WHOLE_ANSWER = "digitcodec.whole_answer"
"""Extension of a scope: an async function of status, headers and body, which takes the place of an answer's messages.

Names of headers are in lower case, Content-Length is among them where one is due, Connection and Transfer-Encoding are
not. Whoever wraps `send` to change answers takes it out of the scope.
"""

WHOLE_BODY = "digitcodec.whole_body"
"""Extension of a scope: a function that takes the body if all of it is here, or None; to be called once.

It takes the place of the messages that bring the body, so nothing must have been received. Whoever wraps `receive` to
change bodies takes it out.
"""
