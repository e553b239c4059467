# SPDX-License-Identifier: Apache-2.0
"""Catalogues of texts: every language says everything, with the same placeholders and the plural forms that it needs,
and no template, script or program names a text that is not there. What nothing names is said by nobody: it must go."""
import glob
import json
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LANGUAGES = {"en": {"one", "other"}, "de": {"one", "other"}}  # the cardinal forms of CLDR for whole numbers
FORMS = {"zero", "one", "two", "few", "many", "other"}


def owners():
    """Folders that have texts/: core/http, plugins/sync, ..."""
    found = glob.glob(os.path.join(ROOT, "core/*/texts")) + glob.glob(os.path.join(ROOT, "plugins/*/texts"))
    return sorted(os.path.relpath(os.path.dirname(path), ROOT) for path in found)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def no_twice(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"twice: {sorted(key for key in keys if keys.count(key) > 1)}"
    return dict(pairs)


def catalogue(owner, language):
    return json.loads(read(os.path.join(ROOT, owner, "texts", f"{language}.json")), object_pairs_hook=no_twice)


def texts(tree, path=""):
    """Dotted keys to texts; a plural is a dictionary of its forms."""
    for key, value in tree.items():
        name = f"{path}.{key}" if path else key
        if isinstance(value, dict) and not ("other" in value and set(value) <= FORMS):
            yield from texts(value, name)
        else:
            yield name, value


def groups(tree, path=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            name = f"{path}.{key}" if path else key
            yield name
            yield from groups(value, name)


def holes(text):
    return sorted(re.findall(r"\{\d\}", text))


@pytest.fixture(params=owners())
def owner(request):
    return request.param


def test_there_are_catalogues():
    assert {"core/http", "plugins/sync"} <= set(owners())


def test_every_language_has_a_catalogue_of_every_owner(owner):
    files = {name[:-5] for name in os.listdir(os.path.join(ROOT, owner, "texts")) if name.endswith(".json")}
    assert files == set(LANGUAGES)


def test_every_language_says_everything(owner):
    keys = {language: {key for key, _ in texts(catalogue(owner, language))} for language in LANGUAGES}
    for language in LANGUAGES:
        assert keys["en"] - keys[language] == set(), f"not in {language}"
        assert keys[language] - keys["en"] == set(), f"only in {language}"


def test_texts_have_the_same_placeholders_and_their_plural_forms(owner):
    english = dict(texts(catalogue(owner, "en")))
    for language, forms in LANGUAGES.items():
        for key, text in texts(catalogue(owner, language)):
            wanted = english[key]
            assert isinstance(text, dict) == isinstance(wanted, dict), f"{language} {key}: one form or several?"
            if not isinstance(text, dict):
                assert holes(text) == holes(wanted), f"{language} {key}"
                assert text == text.strip() and text, f"{language} {key}: blanks around it, or nothing"
                continue
            assert set(text) == forms, f"{language} {key}: forms"
            for form, said in text.items():
                missing = set(holes(wanted["other"])) - set(holes(said))
                assert missing <= ({"{0}"} if form == "one" else set()), f"{language} {key}.{form}: {missing}"


def test_german_is_not_english(owner):
    """A text that is the same in both is a name, a sign, or was forgotten."""
    english = dict(texts(catalogue(owner, "en")))
    same = [key for key, text in texts(catalogue(owner, "de"))
            if isinstance(text, str) and text == english[key] and len(re.sub(r"\{\d\}", "", text).split()) > 2]
    assert same == []


# --- what names them --------------------------------------------------------------------------------------------

def templates(owner):
    return sorted(path for where in ("pages/*.mustache", "templates/*.mustache", "templates/*.txt")
                  for path in glob.glob(os.path.join(ROOT, owner, where)))


def catalogues(owner):
    """A site's texts lie over those of the room that shows it."""
    sites = any('"site/site.h"' in read(path) for path in glob.glob(os.path.join(ROOT, owner, "*.h")))
    return [catalogue(one, "en") for one in {owner, *(["core/site"] if sites else [])}]


def test_templates_name_texts_that_are_there(owner):
    keys = {key for one in catalogues(owner) for key, _ in texts(one)}
    names = {name for one in catalogues(owner) for name in groups(one)}
    for path in templates(owner):
        for sign, name in re.findall(r"\{\{([#^/&>!]?)\s*t\.([\w.]+)\s*\}\}", read(path)):
            plural = name.rpartition(".")[0] in keys and name.rpartition(".")[2] in FORMS
            assert name in keys or plural or (sign and name in names), f"{os.path.basename(path)}: t.{name}"


def test_templates_hold_no_words_of_their_own(owner):
    """Every word that a reader sees comes from a catalogue or the model."""
    for path in templates(owner):
        text = re.sub(r"\{\{[^}]*\}\}\}?", "", read(path))
        text = re.sub(r"<!--.*?-->|<title>.*?</title>|<style>.*?</style>", "", text, flags=re.S)
        said = re.sub(r"<[^>]*>", "", text, flags=re.S)
        words = re.findall(r"[A-Za-z]{3,}", said)
        assert words == [], os.path.basename(path)
        spoken = re.findall(r"(?:aria-label|title|placeholder|alt)=\"([^\"]*[A-Za-z]{2,}[^\"]*)\"", text)
        assert spoken == [], os.path.basename(path)


def programs(owner):
    return sorted(glob.glob(os.path.join(ROOT, owner, "*.c")))


def test_programs_name_texts_that_are_there(owner):
    """Strings of the program that look like keys: of a group that the catalogue has, dotted."""
    keys, tops = {key for one in catalogues(owner) for key, _ in texts(one)}, set(catalogue(owner, "en"))
    every = {name for one in catalogues(owner) for name in groups(one)}
    for path in programs(owner):
        for name in re.findall(r'"([a-z_]+(?:\.[a-z_0-9]+)+)"', read(path)):
            if name.partition(".")[0] in tops and not name.endswith((".css", ".js", ".svg", ".inc", ".h")):
                assert name in keys | every, f"{os.path.basename(path)}: {name}"


def test_scripts_name_texts_that_the_page_gives_them(owner):
    """A script reads data-... of #texts: dataset.someName, or text('some-name')."""
    given = set()
    for path in templates(owner):
        for element in re.findall(r'<div id="texts"[^>]*>', read(path)):
            given |= set(re.findall(r"\sdata-([a-z0-9-]+)=", element))
    for path in sorted(glob.glob(os.path.join(ROOT, owner, "assets", "*.js"))):
        for name in re.findall(r"\btexts\.dataset\.([A-Za-z0-9]+)", read(path)):
            dashed = re.sub(r"([A-Z])", lambda m: "-" + m[1].lower(), name)
            assert dashed in given or {f"{dashed}-one", f"{dashed}-other"} <= given, f"{os.path.basename(path)}: {name}"
