"""The parts of TensorFlow that a session is made of, imported without the rest.

`import tensorflow` also brings in Keras, data sets, distribution, and SciPy and Matplotlib where Keras finds them: two
thirds of its time and half of its memory, of which a C++ session needs nothing. The parts are in `tensorflow.python`,
which is not public: should one of them move, no version can be loaded, and the tests of this backend say so.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec


@contextmanager
def bare_package(name: str) -> Iterator[None]:
    """Let the block import modules of a package whose own `__init__` is not run.

    Afterwards the package counts as one that nobody has imported: whoever does gets all of it.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    if name in sys.modules:
        yield
        return
    spec = find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"no module named {name!r}", name=name)
    sys.modules[name] = module_from_spec(spec)
    try:
        yield
    finally:
        del sys.modules[name]


with bare_package("tensorflow"):
    from tensorflow.core.protobuf.config_pb2 import CallableOptions, ConfigProto
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
    from tensorflow.python.client.session import Session
    from tensorflow.python.framework import op_def_registry
    from tensorflow.python.framework.config import list_physical_devices
    from tensorflow.python.framework.errors import OpError
    from tensorflow.python.framework.ops import Graph
    from tensorflow.python.platform.tf_logging import get_logger
    from tensorflow.python.training.saver import import_meta_graph

__all__ = [
    "CallableOptions",
    "ConfigProto",
    "Graph",
    "OpError",
    "SavedModel",
    "Session",
    "get_logger",
    "import_meta_graph",
    "list_physical_devices",
    "op_def_registry",
]
