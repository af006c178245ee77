"""What do two extraction libraries, and a third, make of the same article pages?

Usage: python3 articles.py ../shared/real/articles OUT.json
(in an environment that has them: target/venv/bin/pip install trafilatura readability-lxml lxml_html_clean newspaper4k)

Called by `cargo test -p web --test articles -- --nocapture`, which scores these answers with the same code as ours. Every library runs
with its defaults on the bytes of each file, with the address that the expectations were made for. A library that raises has said nothing.
"""

import json
import logging
import pathlib
import socket
import sys
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

import newspaper
import readability
import trafilatura


def refuse(*_):
    raise OSError("nothing is asked of the network here")


# One of them looks for a newer list of domains first, and waits for it.
socket.socket.connect = refuse
socket.getaddrinfo = refuse

ADDRESS = "http://fakehost/test/page.html"


def by_trafilatura(source):
    found = trafilatura.bare_extraction(source, url=ADDRESS, with_metadata=True)
    if found is None:
        return {}
    found = found.as_dict()
    authors = (found.get("author") or "").split("; ")
    return {"text": found.get("text"), "title": found.get("title"), "authors": authors, "published": found.get("date")}


def by_readability(source):
    text = source.decode("utf-8", errors="replace")
    page = readability.Document(text, url=ADDRESS)
    # Its placeholders for "none" are not held against it. `short_title` tries to cut the site's name, so both are shown.
    title, short, author = page.title(), page.short_title(), page.author()
    return {
        "html": page.summary(),
        "title": "" if title == "[no-title]" else title,
        "short_title": "" if short == "[no-title]" else short,
        "authors": [] if author == "[no-author]" else [author],
    }


def by_newspaper(source):
    page = newspaper.Article(ADDRESS)
    page.download(input_html=source.decode("utf-8", errors="replace"))
    page.parse()
    date = page.publish_date
    return {
        "text": page.text,
        "title": page.title,
        "authors": page.authors,
        "published": date.isoformat() if hasattr(date, "isoformat") else date,
    }


LIBRARIES = {"trafilatura": by_trafilatura, "readability-lxml": by_readability, "newspaper4k": by_newspaper}


def main(folder, out):
    answers = {name: {} for name in LIBRARIES}
    for case in sorted(pathlib.Path(folder).iterdir()):
        if not (case / "source.html").is_file():
            continue
        source = (case / "source.html").read_bytes()
        for name, read in LIBRARIES.items():
            try:
                answers[name][case.name] = read(source)
            except Exception as error:  # whatever a library raises on a page is its answer
                answers[name][case.name] = {"raised": repr(error)[:200]}
    versions = {"trafilatura": trafilatura.__version__, "newspaper4k": newspaper.__version__}
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"versions": versions, "answers": answers}, file, ensure_ascii=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
