"""Where a fit runs: one device, all of a machine's, or several machines'; TensorFlow's own distribution."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from training.config import PrecisionName, StrategyName
from training.errors import TrainingError

# From this compute capability on a GPU multiplies bfloat16 in hardware (Ampere and later).
_BFLOAT16_CAPABILITY = (8, 0)


@dataclass(frozen=True)
class Devices:
    """What a fit runs on.

    Attributes:
        strategy: Holds the weights and adds up the gradients of all replicas.
        policy: Keras' name for the types that the trained network computes in; its weights are float32 always.
    """

    strategy: Any
    policy: str

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes files; the only one has nobody else."""
        resolver = self.strategy.cluster_resolver
        return resolver is None or resolver.task_type in {None, "chief"} or self._is_first_worker(resolver)

    @property
    def is_alone(self) -> bool:
        """Whether no other process takes part."""
        return self.strategy.cluster_resolver is None

    @staticmethod
    def _is_first_worker(resolver: Any) -> bool:
        has_chief = "chief" in resolver.cluster_spec().as_dict()
        return not has_chief and resolver.task_type == "worker" and resolver.task_id == 0

    def check_batch(self, batch_size: int) -> None:
        """Refuse a batch that does not split evenly.

        Raises:
            TrainingError: If it does not.
        """
        replicas = self.strategy.num_replicas_in_sync
        if batch_size % replicas:
            raise TrainingError(f"a batch of {batch_size} images does not split evenly over {replicas} replicas")

    def check_agreement(self, step: int) -> None:
        """Refuse to go on from another step than the other processes: the workers would wait for each other for ever.

        Raises:
            TrainingError: If one of them has another step.
        """
        if self.is_alone:
            return
        own = self.strategy.run(lambda: tf.constant(float(step)))
        total = float(self.strategy.reduce(tf.distribute.ReduceOp.SUM, own, axis=None))
        if total != step * self.strategy.num_replicas_in_sync:
            raise TrainingError(
                f"this worker goes on after step {step}, another one does not; let all share the folder of --models"
            )

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Networks built in here compute in `policy`."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.policy)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)


def open_devices(strategy: StrategyName = "single", precision: PrecisionName = "auto") -> Devices:
    """Choose what a fit runs on.

    Args:
        strategy: `single`: the GPU, or the CPU where there is none; `mirrored`: every GPU of this machine;
            `multiworker`: one process for each entry of the environment's TF_CONFIG, which must be opened before
            anything else is done with TensorFlow.
        precision: `mixed` multiplies in bfloat16; `auto` does where every GPU has hardware for it.

    Raises:
        TrainingError: If TF_CONFIG is missing or broken.
    """
    builders = {
        "single": tf.distribute.get_strategy,
        "mirrored": tf.distribute.MirroredStrategy,
        "multiworker": _join_workers,
    }
    chosen = builders[strategy]()
    mixed = precision == "mixed" or (precision == "auto" and _has_bfloat16())
    return Devices(chosen, "mixed_bfloat16" if mixed else "float32")


def _join_workers() -> Any:
    """Wait for all workers of TF_CONFIG."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        known = {"cluster", "task"} <= config.keys()
    except (ValueError, AttributeError):
        known = False
    if not known:
        raise TrainingError(
            f"TF_CONFIG is {text or 'not set'}, expected JSON with the addresses of all workers in 'cluster' "
            "and the place of this one in 'task'"
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (ValueError, KeyError, tf.errors.OpError) as error:
        raise TrainingError(f"the workers of TF_CONFIG cannot be joined: {error}") from error


def _has_bfloat16() -> bool:
    gpus = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return bool(gpus) and all(found.get("compute_capability", (0, 0)) >= _BFLOAT16_CAPABILITY for found in details)
