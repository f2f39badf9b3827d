"""Figures of merit against numbers worked out by hand."""

import numpy as np
import pytest

from training.evaluation.measures import (
    auroc,
    count_dead_units,
    cross_entropy,
    detection_rate,
    false_alarm_rate,
    knn_accuracy,
    mean_psnr_db,
    measure_pictures,
    reconstruction_error,
)


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


def test_pictures_are_measured_by_error_and_psnr() -> None:
    """Black where all should be white: the error is 1, which is 0 dB."""
    white = np.full((3, 28, 28), 255, np.uint8)

    assert {"mse": 1.0, "psnr_db": 0.0} == measure_pictures(white, np.zeros_like(white))


def test_cross_entropy_of_a_middle_grey_is_that_of_a_coin() -> None:
    """Grey level 51 is a probability of a fifth; white pixels cost -log(1/5) there, black ones -log(4/5)."""
    images = np.stack([np.full((28, 28), 255, np.uint8), np.zeros((28, 28), np.uint8)])
    entropies = cross_entropy(images, np.full((2, 28, 28), 51, np.uint8))

    assert [-np.log(0.2), -np.log(0.8)] == pytest.approx(entropies.tolist())


def test_cross_entropy_of_the_wrong_black_is_finite() -> None:
    """A rounded 0 counts as a quarter of a level; repeating a black page exactly costs nearly nothing."""
    images = np.stack([np.full((28, 28), 255, np.uint8), np.zeros((28, 28), np.uint8)])
    wrong, right = cross_entropy(images, np.zeros((2, 28, 28), np.uint8))

    assert np.log(1020) == pytest.approx(wrong)
    assert 1 / 1020 == pytest.approx(right, rel=1e-3)


def test_cross_entropy_is_the_same_in_chunks() -> None:
    """More images than a chunk holds, each measured by itself."""
    generator = np.random.default_rng(0)
    images, others = generator.integers(0, 256, (2, 1500, 28, 28), dtype=np.uint8)

    assert np.array_equal(cross_entropy(images[990:1010], others[990:1010]), cross_entropy(images, others)[990:1010])


def test_cross_entropy_refuses_other_shapes() -> None:
    """Pictures that do not belong together are not broadcast."""
    with pytest.raises(ValueError, match=r"got reconstructions of shape \(1, 28, 28\), expected \(2, 28, 28\)"):
        cross_entropy(np.zeros((2, 28, 28), np.uint8), np.zeros((1, 28, 28), np.uint8))


@pytest.mark.parametrize(
    ("false_alarm_share", "expected"),
    [(0.0, 0.25), (0.01, 0.25), (0.25, 0.5), (0.5, 0.75), (1.0, 0.75)],
)
def test_detections_are_counted_above_the_allowed_false_alarms(false_alarm_share: float, expected: float) -> None:
    """The threshold is a normal score, and a strange one equal to it is not found."""
    normal, strange = np.array([1.0, 2.0, 3.0, 4.0]), np.array([5.0, 4.0, 3.0, 1.0])

    assert expected == detection_rate(normal, strange, false_alarm_share)


def test_equal_scores_never_raise_more_false_alarms_than_allowed() -> None:
    """Half of the normal scores are equal to the largest; a threshold below them would alarm at all of these."""
    normal = np.array([1.0, 1.0, 2.0, 2.0])

    assert 0.5 == detection_rate(normal, np.array([2.0, 3.0]), 0.25)


def test_detections_of_an_empty_set_are_refused() -> None:
    """There is nothing to find."""
    with pytest.raises(ValueError, match="got 0 normal and 2 strange scores"):
        detection_rate(np.zeros(0), np.zeros(2), 0.01)


def test_constant_and_nearly_constant_units_are_dead() -> None:
    """Neither a constant far from 0 nor a thousandth of the liveliest unit's spread carries anything."""
    live = np.random.default_rng(0).standard_normal(1000)
    codes = np.stack([live, np.full(1000, 7.0), 5e-4 * live, 5e-3 * live], axis=1).astype(np.float32)

    assert 2 == count_dead_units(codes)


def test_code_that_says_nothing_is_all_dead() -> None:
    """Where no unit lives there is no liveliest one to compare with."""
    assert 3 == count_dead_units(np.full((10, 3), 0.5, np.float32))


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
