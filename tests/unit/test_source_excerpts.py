"""The text of one definition, for diffs."""

from pivot.source import excerpt

SOURCE = b"""\
import os, json as j

# why it is so
@cache
def load(path):
    return path


if os.name == "nt":
    LIMIT = 1
else:
    LIMIT = 2


class Model:
    def fit(self):
        return LIMIT


a, (b, *c) = 1, (2, 3)
"""


def test_a_function_comes_with_its_decorators_and_comments():
    assert excerpt(SOURCE, "m.py", "load") == (
        "# why it is so\n@cache\ndef load(path):\n    return path\n"
    )


def test_all_statements_that_bind_a_name_are_shown():
    assert excerpt(SOURCE, "m.py", "LIMIT") == "    LIMIT = 1\n\n    LIMIT = 2\n"


def test_a_method_stands_for_its_class_and_names_may_be_unpacked():
    assert excerpt(SOURCE, "m.py", "Model.fit").startswith("class Model:")
    assert excerpt(SOURCE, "m.py", "c") == "a, (b, *c) = 1, (2, 3)\n"
    assert excerpt(SOURCE, "m.py", "j") == "import os, json as j\n"


def test_what_is_not_bound_or_not_python_has_no_text():
    assert excerpt(SOURCE, "m.py", "fit") is None
    assert excerpt(b"def (", "m.py", "f") is None
