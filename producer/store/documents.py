"""Job objects as JSON text: put together from stored bytes, never parsed."""


def with_result(job: bytes, result: bytes | None) -> bytes:
    """Return a job object with its ``result`` as the last member, null where there is none."""
    return b'%b,"result":%b}' % (job[:-1], result or b"null")
