"""The floor under the recipes: principal components of many widths, measured once."""

from training.data.load import DigitData
from training.evaluation.pca import measure_pca
from training.study.notes import Notes

WIDTHS = (2, 5, 10, 16, 20, 32, 64, 128)
_NAME = "pca"


def measure_floor(data: DigitData, notes: Notes) -> dict[int, float]:
    """Test MSE of principal components by their number; half a minute the first time."""
    key = {"widths": WIDTHS, "data": data.sha256}
    found = notes.read(_NAME, key)
    if found is None:
        errors = [measure_pca(data.train_images, data.test_images, width) for width in WIDTHS]
        found = notes.write(_NAME, key, errors)
    return dict(zip(WIDTHS, found, strict=True))
