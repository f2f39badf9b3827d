"""What a full evaluation found: figures for `metrics.json` and the raw answers that pictures are drawn from."""

from dataclasses import dataclass

from training.evaluation.figures import Floats, Images, Metrics


@dataclass(frozen=True)
class Answers:
    """What a codec says about images, row by row in their order.

    Attributes:
        reconstructions: uint8 (n, 28, 28).
        codes: float32 (n, code_dim).
        errors: Reconstruction errors, float32 (n,), >= 0.
        anomaly_scores: float32 (n,) in [0, 1].
    """

    reconstructions: Images
    codes: Floats
    errors: Floats
    anomaly_scores: Floats


@dataclass(frozen=True)
class StrangeAnswers:
    """What a codec says about a set of images that are no clean digits.

    Attributes:
        examples: The first k images of the set, uint8 (k, 28, 28), k >= 1; `errors[:k]` and `anomaly_scores[:k]` are
            theirs.
        reconstructions: Of the examples, uint8 (k, 28, 28).
        errors: Of the whole set, float32 (n,), n >= k.
        anomaly_scores: Of the whole set, float32 (n,).
    """

    examples: Images
    reconstructions: Images
    errors: Floats
    anomaly_scores: Floats


@dataclass(frozen=True)
class NoiseExamples:
    """A few test digits, one of each class where there are labels, before a noise, with it and cleaned.

    Attributes:
        clean: uint8 (k, 28, 28), k >= 1; the same digits for every noise.
        noisy: What the codec got, uint8 (k, 28, 28).
        cleaned: What it made of it, uint8 (k, 28, 28).
    """

    clean: Images
    noisy: Images
    cleaned: Images


@dataclass(frozen=True)
class Evaluated:
    """A full evaluation of one codec.

    Attributes:
        metrics: Every figure, as JSON has it: dicts by name, lists, numbers, strings. All that
            `training.evaluation.evaluate.evaluate` gives, and beside it:

            `anomalies`: {`ten`, `more`, `given`: {set: {`images`: number, `auroc_by_score`, `auroc_by_error`,
            `tpr_by_score`, `tpr_by_error`: {`at_fpr_1`, `at_fpr_5`}}}}; `ten` are the sets of the model card, `more`
            the other built-in ones, `given` those that the user named (may be empty).

            `calibration`: {`size`: number of images that calibrate the scores or None, `curve`: [{`threshold`,
            `promised`: 1 - threshold, `false_alarm_rate`}] by rising threshold}.

            `denoising_table`: {`images`: number measured, `tuning_images`: number tuned on, `noises`: {noise: {
            `methods`: {`model`, `identity`, `median`, `gaussian`, `wiener`, `tv`, `nlm`: {`mse`, `psnr_db`,
            and of the classical ones `parameters`: {name: number}}}, `best_classical`: its name,
            `ratio_to_best_classical`: the model's mse over its}}}.
        test: Of all test digits, in the order of `data.test_images`.
        strange: By set name, those of `ten`, `more` and `given` in this order.
        noises: By noise name, in the order of `metrics["denoising"]`.
    """

    metrics: Metrics
    test: Answers
    strange: dict[str, StrangeAnswers]
    noises: dict[str, NoiseExamples]
