"""The file of keys: what it may say, and which secrets open what."""

from hashlib import sha256

import pytest

from service.access import Key, KeyRing, Rate, UnusableKeysError, make_key, parse_keys

DIGEST = "ab" * 32
OTHER = "cd" * 32


def write(secret: str) -> str:
    """What the file holds of a secret."""
    return sha256(secret.encode()).hexdigest()


def test_made_key_opens_what_its_lines_say() -> None:
    """The secret that is shown once fits the lines that go into the file, which do not hold it."""
    secret, lines = make_key("scanner-hall")

    assert Key("scanner-hall") == parse_keys(lines).find(secret.encode())
    assert secret not in lines
    assert secret.startswith("digitcodec_")


def test_made_keys_differ() -> None:
    """Two keys of one name are two."""
    assert 100 == len({make_key("a")[0] for _ in range(100)})


def test_unknown_secret_opens_nothing() -> None:
    """Nor does a digest, an empty word, or a longer or shorter one."""
    secret, lines = make_key("a")
    ring = parse_keys(lines)

    assert [None] * 5 == [
        ring.find(word) for word in (b"", secret[:-1].encode(), secret.encode() + b"x", b"\xff", write(secret).encode())
    ]


def test_several_secrets_open_one_key() -> None:
    """So that a caller can change from one to the next."""
    ring = parse_keys(f'[keys.a]\nsha256 = ["{write("old")}", "{write("new")}"]\n[keys.b]\nsha256 = ["{write("b")}"]')

    assert [Key("a"), Key("a"), Key("b")] == [ring.find(word) for word in (b"old", b"new", b"b")]
    assert {"a", "b"} == ring.names


def test_empty_table_lets_nobody_in() -> None:
    """So that the last key can be taken away; an empty text is a slip."""
    ring = parse_keys("[keys]\n")

    assert frozenset() == ring.names
    assert ring.find(b"old") is None


def test_digests_that_begin_alike_are_told_apart() -> None:
    """They are looked up by their beginnings, and compared to their ends."""
    digest = sha256(b"a").digest()
    ring = KeyRing([(digest[:31] + b"x", Key("x")), (digest, Key("a")), (digest[:8] + bytes(24), Key("y"))])

    assert Key("a") == ring.find(b"a")
    assert KeyRing([(digest[:31] + b"x", Key("x"))]).find(b"a") is None


def test_rates_belong_to_their_key() -> None:
    """One that names no burst may send two seconds' worth at once."""
    ring = parse_keys(
        f'[keys.a]\nsha256=["{DIGEST}"]\nrows_per_s=10\n[keys.b]\nsha256=["{OTHER}"]\nrows_per_s=0.1\nburst_rows=7'
    )

    assert {"a": Rate(10, 20), "b": Rate(0.1, 7)} == ring.rates


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "nothing else"),
        ("keys = 3", "nothing else"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\n[more]', "nothing else"),
        ("[keys.a]", "keys.a.sha256"),
        ("[keys.a]\nsha256=[]", "keys.a.sha256"),
        (f'[keys.a]\nsha256="{DIGEST}"', "keys.a.sha256"),
        ('[keys.a]\nsha256=["hunter2"]', "keys.a.sha256"),
        (f'[keys.a]\nsha256=["{DIGEST.upper()}"]', "keys.a.sha256"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\nsecret="x"', "keys.a may have"),
        (f'[keys."a b"]\nsha256=["{DIGEST}"]', "1 to 64"),
        (f'[keys.{"a" * 65}]\nsha256=["{DIGEST}"]', "1 to 64"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\n[keys.b]\nsha256=["{DIGEST}"]', "twice"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\nrows_per_s=0', "keys.a.rows_per_s"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\nrows_per_s=true', "keys.a.rows_per_s"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\nrows_per_s=nan', "keys.a.rows_per_s"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\nrows_per_s=1\nburst_rows=inf', "keys.a.burst_rows"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\nburst_rows=3', "no rows_per_s"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\nrows_per_s=1.1e12', "keys.a.rows_per_s"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\nrows_per_s=1{"0" * 400}', "keys.a.rows_per_s"),
        (f'[keys.a]\nsha256=["{DIGEST}"]\nrows_per_s={"9" * 5000}', "no TOML"),
        ("keys = [", "no TOML"),
        ("keys = " + "[" * 20_000, "no TOML"),
    ],
)
def test_what_is_no_file_of_keys(text: str, word: str) -> None:
    """The message names the place, and nothing that might be a secret."""
    with pytest.raises(UnusableKeysError, match=word) as caught:
        parse_keys(text)

    assert "hunter2" not in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ü", "a" * 65, "a\n"])
def test_name_that_is_none(name: str) -> None:
    """Names go into logs and metrics."""
    with pytest.raises(UnusableKeysError, match="1 to 64"):
        make_key(name)
