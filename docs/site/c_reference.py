# SPDX-License-Identifier: MIT
"""The reference of the C interface: a page a header, in reStructuredText, from what Doxygen says of it.

Idea: the page is the header in its own order. Doxygen knows what is declared on which line and with which words; the
comments between parts, which it does not keep, become the page's sections. Functions with an _at form, which takes the
place to name in errors, are shown as the macro is called that fills it in.
"""
import collections
import re
import subprocess
import xml.etree.ElementTree as tree

from words import rst

Item = collections.namedtuple("Item", "line kind name signature doc parts")
DASHES = {"ndash": "--", "mdash": "---"}
ROLES = {"function": "c:func", "macro": "c:macro", "type": "c:type", "struct": "c:struct", "enum": "c:enum"}
HIDDEN = re.compile(r"DUET_(API|PRINTF|\w+_H)|CL_TARGET_OPENCL_VERSION")
LONGEST_TITLE = 72


def run_doxygen(doxyfile, headers, folder):
    folder.mkdir(parents=True, exist_ok=True)
    settings = [doxyfile.read_text(), f"OUTPUT_DIRECTORY = {folder}", f"INPUT = {' '.join(map(str, headers))}"]
    said = subprocess.run(["doxygen", "-"], input="\n".join(settings), text=True, capture_output=True)
    if said.returncode != 0 or said.stderr.strip():
        raise SystemExit(f"doxygen does not understand the headers:\n{said.stderr.strip()}")
    return folder / "xml"


def text_of(node):
    """What an element says, if there is one. Two hyphens are two hyphens."""
    if node is None:
        return ""
    inside = (DASHES.get(part.tag, "") + text_of(part) + (part.tail or "") for part in node)
    return (node.text or "") + "".join(inside)


def doc_of(member):
    """Its comment's paragraphs."""
    found = [text_of(para) for kind in ("brief", "detailed") for para in member.iterfind(f"{kind}description/para")]
    return [" ".join(words.split()) for words in found if words.strip()]


def unnested(text):
    """A name that Doxygen puts into the struct around it; C does not."""
    return re.sub(r"\b\w+::", "", text)


def signature_of(member):
    return unnested(f"{text_of(member.find('type'))} {member.findtext('name')}{member.findtext('argsstring') or ''}").strip()


def split_arguments(text):
    """What stands between the outermost commas of "(a, b(c, d))"."""
    parts, depth = [""], 0
    for letter in text.strip()[1:-1]:
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def as_called(functions, macro):
    """The signature of a macro that calls a function with an _at form: that function's, with the parameters that the macro
    takes; None of another macro."""
    called = re.match(r"\s*(duet_\w+_at)(\(DUET_WHERE\b.*\))\s*$", text_of(macro.find("initializer")), re.S)
    if not called:
        return None
    function = functions[called[1]]
    types, passed, taken = split_arguments(function.findtext("argsstring")), split_arguments(called[2]), []
    for name in (name.text for name in macro.iterfind("param/defname")):
        if name != "...":
            taken.append(types[passed.index(f"({name})")])
        else:  # all the rest, or a list that the macro makes of what it is given
            taken += types[passed.index("__VA_ARGS__"):] if "__VA_ARGS__" in passed else ["..."]
    return f"{text_of(function.find('type'))} {macro.findtext('name')}({', '.join(taken)})"


def struct_members(node):
    items = []
    for member in node.iter("memberdef"):
        signature = signature_of(member)
        line = int(member.find("location").get("line"))
        items.append(Item(line, "member", member.findtext("name"), signature, doc_of(member), []))
    shared = {item.line: item.doc for item in items if item.doc}  # "double low, high;" has one comment
    return [item._replace(doc=item.doc or shared.get(item.line, [])) for item in items]


def enumerators(node):
    for value in node.iterfind("enumvalue"):
        signature = " ".join(filter(None, (value.findtext("name"), value.findtext("initializer"))))
        yield Item(0, "enumerator", value.findtext("name"), signature, doc_of(value), [])


def types_of(xml, whole):
    """The structs that a header declares."""
    for inner in whole.iter("innerclass"):
        node = tree.parse(xml / f"{inner.get('refid')}.xml").find("compounddef")
        line = int(node.find("location").get("line"))
        yield Item(line, node.get("kind"), unnested(inner.text), unnested(inner.text), doc_of(node), struct_members(node))


def macro_item(functions, macro, line):
    """A macro that is called like a function as that function, others as they are; None of those that nobody calls."""
    name = macro.findtext("name")
    signature = as_called(functions, macro)
    if signature:
        at = functions.get(f"{name}_at")
        doc = doc_of(macro) if at is None else doc_of(at)
        return Item(line if at is None else int(at.find("location").get("line")), "function", name, signature, doc, [])
    parameters = ", ".join(found.text for found in macro.iterfind("param/defname") if found.text)
    return None if HIDDEN.fullmatch(name) else Item(line, "macro", name, f"{name}({parameters})" if parameters else name, doc_of(macro), [])


def items_of(xml, name, types):
    """What the header declares, in its order. A macro that has the name of one of the types, as C allows, is left out for the
    function behind it."""
    names = {node.findtext("name"): node.get("refid") for node in tree.parse(xml / "index.xml").iter("compound")
             if node.get("kind") == "file"}
    whole = tree.parse(xml / f"{names[name]}.xml")
    members = list(whole.iter("memberdef"))
    functions = {member.findtext("name"): member for member in members if member.get("kind") == "function"}
    macros = {member.findtext("name") for member in members if member.get("kind") == "define"}
    items = list(types_of(xml, whole))
    made = {item.name for item in items} | {member.findtext("name") for member in members if member.get("kind") == "enum"}
    for member in members:
        kind, name = member.get("kind"), member.findtext("name")
        line = int(member.find("location").get("line"))
        signature = signature_of(member)
        if kind == "define" and name not in types:
            items.append(macro_item(functions, member, line))
        elif kind == "function" and name.removesuffix("_at") not in macros - types:
            items.append(Item(line, "function", name, signature, doc_of(member), []))
        elif kind == "enum":
            items.append(Item(line, "enum", name, name, doc_of(member), list(enumerators(member))))
        elif kind == "typedef" and name not in made:
            items.append(Item(line, "type", name, signature.removeprefix("typedef ") if "(" in signature else name, doc_of(member), []))
    return sorted(filter(None, items), key=lambda item: item.line)


def comments_of(text):
    """(line, words) of the comments between parts: those that start a line and describe no declaration."""
    for found in re.finditer(r"^/\*(?!\*)(?! SPDX)(.*?)\*/$", text, re.M | re.S):
        yield text.count("\n", 0, found.start()) + 1, " ".join(re.sub(r"^ \*", "", found[1], flags=re.M).split())


def directive(kind, signatures, doc, parts, roles, indent=""):
    head = f"{indent}.. c:{kind}:: "
    yield head + f"\n{' ' * len(head)}".join(signatures)
    yield ""
    for words in doc:
        yield from (f"{indent}   {rst(words, roles)}", "")
    for group in grouped(parts):
        yield from directive(group[0].kind, [item.signature for item in group], group[0].doc, [], roles, indent + "   ")


def grouped(items, breaks=()):
    """Neighbours of a kind that share a comment: those without one of their own, or with the very same."""
    groups = []
    for item in items:
        last = groups[-1][-1] if groups else None
        if last and last.kind == item.kind and not item.parts and not last.parts \
                and (item.doc == groups[-1][0].doc or not item.doc and item.kind != "member") \
                and not any(last.line < line < item.line for line in breaks):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def comment_lines(words, roles):
    title, _, rest = words.partition(". ")
    title = title.rstrip(".")
    if len(title) > LONGEST_TITLE:
        return [rst(words, roles), ""]
    return [rst(title, roles), "-" * (len(rst(title, roles)) + 1), "", rst(rest, roles), ""]


def header_page(header, items, roles):
    text = header.read_text()
    guard = text.count("\n", 0, text.index("#ifndef")) + 1
    comments = list(comments_of(text))
    title = f"duet/{header.name}"
    lines = [title, "=" * len(title), ""]
    for line, words in comments:
        if line < guard:
            lines += [rst(words, roles), ""]
    later = [(line, comment_lines(words, roles)) for line, words in comments if line > guard]
    breaks = [line for line, _ in later]
    groups = grouped(items, breaks)
    pieces = [(group[0].line, list(directive(group[0].kind, [item.signature for item in group], group[0].doc,
                                             group[0].parts, roles))) for group in groups]
    for _, piece in sorted(pieces + later, key=lambda piece: piece[0]):
        lines += piece
    return "\n".join(lines) + "\n"


def pages(xml, headers, whole):
    """The page of each header by its name, and "index"."""
    types = {node.findtext("name") for node in tree.parse(xml / "index.xml").iter("compound") if node.get("kind") == "struct"}
    items = {header: items_of(xml, header.name, types) for header in headers}
    roles = {item.name: ROLES[item.kind] for found in items.values() for item in found if item.kind in ROLES}
    for name in {name for name in types if f"{name}_at" in roles}:
        del roles[name]  # words that say it may mean the type or the macro
    made = {header.stem: header_page(header, found, roles) for header, found in items.items()}
    about = re.findall(r"/\*(?! SPDX)(.*?)\*/", whole.read_text(), re.S)[0]
    made["index"] = "\n".join([
        "The interface in C", "==================", "", rst(" ".join(re.sub(r"^ \*", "", about, flags=re.M).split()), roles), "",
        ".. toctree::", "   :maxdepth: 2", "", *(f"   {header.stem}" for header in headers), ""])
    return made
