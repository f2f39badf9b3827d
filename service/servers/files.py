"""How many files this process may have open: each connection is one."""

import resource

import structlog

_log = structlog.get_logger()

# The gRPC port's connections, those to a model server, listening sockets, files of the model, of keys and of metrics.
_OTHER_FILES = 1024


def raise_file_limit(connections: int) -> None:
    """Take as many as the system allows; processes that are started from now on inherit it.

    Warns in the log if that is not enough.

    Args:
        connections: Most HTTP connections at the same time.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    needed = connections + _OTHER_FILES
    if hard != resource.RLIM_INFINITY and hard < needed:
        _log.warning("few_open_files", allowed=hard, needed=needed, setting="DIGITCODEC_HTTP__MAX_CONNECTIONS")
