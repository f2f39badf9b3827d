"""Figures of merit against numbers worked out by hand."""

import numpy as np
import pytest

from training.evaluation.measures import auroc, false_alarm_rate, knn_accuracy, mean_psnr_db, reconstruction_error


def test_one_pixel_fully_wrong_costs_one_part_in_784() -> None:
    """The error is the mean over the pixels, scaled to [0, 1]."""
    images = np.zeros((2, 28, 28), np.uint8)
    reconstructions = images.copy()
    reconstructions[1, 3, 4] = 255

    assert [0.0, 1 / 784] == reconstruction_error(images, reconstructions).tolist()


def test_error_refuses_other_shapes() -> None:
    """Pictures that do not belong together are not broadcast."""
    with pytest.raises(ValueError, match=r"got reconstructions of shape \(1, 28, 28\), expected \(2, 28, 28\)"):
        reconstruction_error(np.zeros((2, 28, 28), np.uint8), np.zeros((1, 28, 28), np.uint8))


def test_psnr_is_the_mean_over_images_not_of_the_mean() -> None:
    """One image at 10 dB and one at 30 dB are 20 dB, where their mean error would be 13 dB."""
    assert 20.0 == pytest.approx(mean_psnr_db(np.array([0.1, 0.001])))


def test_perfect_picture_has_a_finite_psnr() -> None:
    """An error of 0 counts as one wrong grey level in the whole picture."""
    assert 10 * np.log10(784 * 255**2) == pytest.approx(mean_psnr_db(np.array([0.0])))


@pytest.mark.parametrize(
    ("normal", "strange", "expected"),
    [
        ([1.0, 2.0], [3.0, 4.0], 1.0),
        ([3.0, 4.0], [1.0, 2.0], 0.0),
        ([1.0, 1.0], [1.0], 0.5),
        ([1.0, 2.0, 3.0], [2.0], 0.5),
        ([0.0, 1.0], [1.0, 2.0], 0.875),
    ],
)
def test_auroc_counts_pairs_and_half_of_ties(normal: list[float], strange: list[float], expected: float) -> None:
    """It is the share of pairs in which the strange image scores higher."""
    assert expected == auroc(np.array(normal), np.array(strange))


def test_auroc_of_an_empty_set_is_refused() -> None:
    """There is no pair to count."""
    with pytest.raises(ValueError, match="got 2 normal and 0 strange scores"):
        auroc(np.zeros(2), np.zeros(0))


def test_score_equal_to_the_threshold_is_no_alarm() -> None:
    """Alarms are strictly above the threshold."""
    assert 0.25 == false_alarm_rate(np.array([0.1, 0.5, 0.5, 0.75], np.float32), 0.5)


def test_threshold_is_rounded_as_the_scores_are() -> None:
    """As a float32 0.1 is a little more; a score that was rounded in the same way is not above it."""
    score = np.array([0.1], np.float32)
    assert score.astype(np.float64)[0] > 0.1

    assert 0.0 == false_alarm_rate(score, 0.1)


def test_few_references_vote_all() -> None:
    """Where there are fewer references than neighbours asked for, each has a vote."""
    one = np.zeros((1, 2), np.float32)

    assert 1.0 == knn_accuracy(one, np.array([4]), one, np.array([4]), neighbours=5)


def test_neighbours_vote_by_majority() -> None:
    """Two of three neighbours decide, also across several chunks of codes."""
    reference = np.array([[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]], np.float32)
    reference_labels = np.array([4, 4, 7, 7, 7, 4])
    codes = np.repeat(np.array([[0.05], [9.05]], np.float32), 400, axis=0)
    labels = np.repeat([4, 4], 400)

    assert 0.5 == knn_accuracy(reference, reference_labels, codes, labels, neighbours=3)
