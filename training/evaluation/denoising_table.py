"""The denoising table: a model beside doing nothing and beside the best classical methods, on the same images."""

from collections.abc import Mapping

from tqdm import tqdm

from training.evaluation.answers import Denoised
from training.evaluation.classical import METHODS, tune
from training.evaluation.figures import Images, Metrics
from training.evaluation.measures import ONE_GREY_LEVEL, measure_pictures
from training.evaluation.noises import add_noise

# The rarest class has 85 digits among the first thousand of MNIST's; NLM takes 3 s and more for these.
MEASURED_IMAGES = 1000
# One or two parameters are found on far fewer digits than weights are.
TUNING_IMAGES = 200


def build_denoising_table(
    denoised: Mapping[str, Denoised], train_images: Images, test_images: Images, seed: int
) -> Metrics:
    """Measure every method on every noise; a bar on a terminal shows how far it is.

    Args:
        denoised: The model's answers by noise, row by row of `test_images`.
        train_images: Clean digits, uint8 (n, 28, 28); classical methods are tuned on the first 200.
        test_images: Clean digits, uint8 (m, 28, 28); everything is measured on the first 1,000.
        seed: Seed of the noise to tune on.

    Returns:
        The table as `training.evaluation.evaluated.Evaluated` describes it.
    """
    clean, tuning = test_images[:MEASURED_IMAGES], train_images[:TUNING_IMAGES]
    tries = sum(len(list(method.list_parameters())) + 1 for method in METHODS.values())
    with tqdm(total=tries * len(denoised), desc="classical methods", disable=None, leave=False) as bar:
        noises = {}
        for name, answer in denoised.items():
            methods: Metrics = {
                "model": measure_pictures(clean, answer.cleaned[:MEASURED_IMAGES]),
                "identity": measure_pictures(clean, answer.noisy[:MEASURED_IMAGES]),
            }
            noisy_tuning = add_noise(tuning, name, seed, tuning=True)
            for method_name, method in METHODS.items():
                parameters = tune(method, noisy_tuning, tuning, bar.update)
                cleaned = method.run(answer.noisy[:MEASURED_IMAGES], parameters)
                methods[method_name] = {**measure_pictures(clean, cleaned), "parameters": parameters}
                bar.update()
            noises[name] = _judge(methods)
    return {"images": len(clean), "tuning_images": len(tuning), "noises": noises}


def _judge(methods: Metrics) -> Metrics:
    """The methods, which classical one is best, and the model's error as a multiple of its."""
    best = min(METHODS, key=lambda name: float(methods[name]["mse"]))
    ratio = methods["model"]["mse"] / max(methods[best]["mse"], ONE_GREY_LEVEL)  # flat pictures come back perfectly
    return {"methods": methods, "best_classical": best, "ratio_to_best_classical": ratio}
