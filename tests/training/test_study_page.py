"""The page about the recipes: every figure stands where it belongs, and every verdict follows from figures."""

import re

import pytest
from support.study_findings import make_dying, make_findings, make_one_class, make_outcome, make_recipe, make_run

from training.config import with_steps
from training.recipes import RECIPES
from training.study.dying_text import render_dying
from training.study.findings import DyingCode, Outcome
from training.study.lessons import LESSONS
from training.study.one_class_text import render_one_class
from training.study.page import render_page
from training.study.table import render_table


def _read_row(outcome: Outcome) -> dict[str, str]:
    """Cells by their heading; a `|` after a backslash ends no cell."""
    lines = render_table([outcome]).splitlines()
    head, _, row = ([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines)
    return dict(zip(head, row, strict=True))


def test_row_holds_the_figures_of_the_card() -> None:
    """Rounded to what they are good for, in the column of their name."""
    row = _read_row(make_outcome("sigmoid-128-64", mse=0.010553, pca_mse=0.009049, code_dim=64, dead_code_units=2))

    assert {
        "recipe": "`sigmoid-128-64`",
        "code": "64",
        "parameters": "881,234",
        "steps": "10,000",
        "minutes": "1:00",
        "test MSE": "0.01055",
        "PCA": "0.00905",
        "article": "0.01063",
        "BCE": "0.0912",
        "PSNR dB": "24.25",
        "kNN(5)": "0.9771",
        "dead units": "2 of 64",
        "AUROC": "0.9912",
        "remark": "**worse than PCA**; reaches its article's figure",
    } == row


def test_missed_article_is_remarked() -> None:
    """Dead, worse than principal components and far from its article: all of it is said."""
    outcome = make_outcome("relu-300-100-20", mse=0.0676, pca_mse=0.0235, code_dim=20, dead_code_units=20)

    remarks = ["**worse than PCA**", "**the whole code is dead**", "misses its article's figure"]
    assert remarks == _read_row(outcome)["remark"].split("; ")


def test_good_model_has_no_remark() -> None:
    """Nothing is said of a model that is better than principal components and has no article to reach."""
    assert "" == _read_row(make_outcome("plain-32"))["remark"]


def test_failure_is_a_row_with_its_reason() -> None:
    """A text that would end its cell does not."""
    row = _read_row(Outcome(make_recipe("sigmoid-256-128"), None, "the loss is nan | at step 7\nlower it", None))

    assert "`sigmoid-256-128`" == row["recipe"]
    assert r"**failed**: the loss is nan \| at step 7 lower it" == row["remark"]


def test_labels_may_be_missing() -> None:
    """Without labels there are no neighbours to count; the cell stays empty."""
    outcome = make_outcome("plain-32")
    assert outcome.card is not None
    del outcome.card["metrics"]["knn_accuracy"]

    assert "" == _read_row(outcome)["kNN(5)"]


def test_page_tells_where_when_and_how_long() -> None:
    """Machine, libraries, day and duration are on the page; three models, 16 runs and ten digits add up."""
    page = render_page(make_findings())

    assert (
        "10,000 test digits of mnist, seed 0; 2 processors (x86_64); TensorFlow 2.21.0, Keras 3.14.0; 2026-05-04"
        in page
    )
    assert (
        "All of it took 7:25, the fits alone 6:40 (minutes:seconds)." in page
    )  # 3 x 75 s or 60 s, 16 x 10 s, 10 x 6 s
    assert "python -m training study --data DIR --fashion DIR" in page


def test_time_of_models_that_no_study_made_is_that_of_their_fits() -> None:
    """How long the rest of it took is not known then."""
    outcomes = [make_outcome("conv-32")._replace(seconds=None)]

    page = render_page(make_findings(outcomes=outcomes, dying=None, one_class=[]))

    assert "The fits took 1:00 (minutes:seconds)." in page


def test_page_names_models_worse_than_pca() -> None:
    """One of three is; with none the page says so."""
    page = render_page(make_findings())
    better = render_page(make_findings(outcomes=[make_outcome("conv-32")]))

    assert "**Worse than principal components of their own width**: `relu-300-100-20`, 1 of 3." in page
    assert "Every model is better than principal components of its own width." in better


def test_page_of_an_unfinished_study_says_what_is_missing() -> None:
    """Recipes without a model, and no section for what was not measured."""
    outcomes = [make_outcome("conv-32"), Outcome(make_recipe("plain-16"), None, None, None)]

    page = render_page(make_findings(outcomes=outcomes, dying=None, one_class=[]))

    assert "Without a model yet: `plain-16`." in page
    assert "not trained yet" in page
    assert "dies" not in re.sub(r"\[below\]\(.*\)", "", page)
    assert "One digit against" not in page


def test_page_of_shortened_fits_is_called_a_trial() -> None:
    """Nobody should take figures of fifty steps for those of a recipe."""
    recipe = next(iter(RECIPES.values()))
    outcomes = [Outcome(with_steps(recipe, 50), None, None, None), make_outcome("conv-32")]

    assert f"**A trial**: not trained in full length were `{recipe.name}`." in render_page(
        make_findings(outcomes=outcomes)
    )
    assert "A trial" not in render_page(make_findings(outcomes=[Outcome(recipe, None, None, None)]))


def test_columns_are_explained() -> None:
    """With the number of sets that the mean AUROC is of."""
    assert "mean over 2 sets of strange pictures" in render_page(make_findings())


def test_page_of_nothing_says_so() -> None:
    """Before the first training there is a page, too."""
    outcomes = [Outcome(make_recipe("plain-16"), None, None, None)]

    assert "No recipe has been trained yet." in render_page(make_findings(outcomes=outcomes))


def test_tables_have_equally_many_cells_in_each_row() -> None:
    """No figure slips into another column."""
    tables = re.findall(r"(?:^\|.*\n)+", render_page(make_findings()), re.MULTILINE)

    assert 5 == len(tables)
    for table in tables:
        assert 1 == len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()})


def test_links_lead_to_headings_of_the_page() -> None:
    """`#why-...` is what GitHub makes of the heading."""
    page = render_page(make_findings())
    headings = re.findall(r"^#+ (.*)", page, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = set(re.findall(r"\]\(#(.*?)\)", page))

    assert links
    assert links <= anchors


def test_every_recipe_has_a_lesson() -> None:
    """And there are no lessons of recipes that are gone."""
    assert set(RECIPES) == set(LESSONS)


def test_dying_code_is_told_by_its_figures() -> None:
    """How many seeds, when, what the first step did, and how the survivor fares."""
    text = render_dying(make_dying())

    assert (
        "20,000 steps from each of 4 seeds: in 3 of them the whole code dies, after 5 steps (seed 0), 6 steps (seed 1)"
        in text
    )
    assert "Elsewhere 3 of 20 units end dead, with an error of 0.0665." in text
    assert "0.01 / √0.1 = 0.0316; measured, the largest change in the code's layer is 0.0316" in text
    assert "from 0.19 to -14.19" in text
    assert "After step 5 the largest that any unit gets from any digit of a batch is -0.53" in text
    assert "**Initialisation is not the cause.** With He initialisation the whole code dies after 4 steps." in text
    assert "rate 0.001, leaky relu code, linear code and sigmoid output." in text
    assert "**A dead code can be brought back**" in text


def test_code_that_lives_with_he_is_not_called_dead() -> None:
    """The sentence about initialisation goes when the figures speak against it."""
    text = render_dying(make_dying(he=make_run(dead_since=None, dead_units=7)))

    assert "Initialisation is not the cause" not in text
    assert "With He initialisation 7 of 20 units end dead, with an error of 0.0665." in text


def test_cure_that_does_not_cure_is_not_called_one() -> None:
    """A changed run whose units mostly die is told apart from the others."""
    text = render_dying(make_dying(sigmoid_output=make_run("sigmoid output", dead_since=None, dead_units=14)))

    assert "rate 0.001, leaky relu code and linear code. With sigmoid output 14 of 20 units end dead" in text


def test_nothing_is_explained_where_nothing_died() -> None:
    """Figures of a code that lives are no evidence of how codes die."""
    alive = make_run(dead_since=None, dead_units=0)
    text = render_dying(DyingCode(seeds=[alive, alive], changes=make_dying(as_written=alive)["changes"]))

    assert "in none of them does the whole code die" in text
    assert "The first steps do it" not in text
    assert "As written the code did not die in this run" in text


def test_revival_is_told_only_of_a_dead_code() -> None:
    """Where the code had not died before, nothing was brought back."""
    living = make_run(dead_since=None, dead_units=0)

    assert "brought back" not in render_dying(make_dying(revived_leaky=living))


@pytest.mark.parametrize(
    ("by_score", "words"), [(0.986, "0.986 here is 0.038 more"), (0.94, "0.940 here is 0.008 less")]
)
def test_one_class_is_compared_with_the_reference(by_score: float, words: str) -> None:
    """More or less than the published .948, and by how much."""
    text = render_one_class(make_one_class(by_score), "mnist")

    assert words in text
    assert ("tells more than the reconstruction error" in text) == (by_score > 0.96)
    assert "5,000 to 5,009 of mnist" in text
