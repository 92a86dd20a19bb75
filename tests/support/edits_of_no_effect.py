"""Edits that change no answer."""

from __future__ import annotations

from edit import Edit, call_after, module, swap, unedited
from edits_of_code import MODULE, RELOAD

FOO = "def h(x):\n    return x + 1\n# %%\n@cache_data\ndef foo():\n    y = h(1)\n    return y\n"
JSON = (
    "import json\n# %%\ndef h(x):\n    return json.dumps(x) + str(json.decoder.WHITESPACE.match(' '))\n"
    "# %%\n@cache_data\ndef foo():\n    return h(1) + json.dumps([*map(str, json.loads('[1]'))])\n"
)
COSMETIC = {
    "nothing": Edit(FOO, FOO),
    "a comment": swap(FOO, "    y = h(1)", "    # the first\n    y = h(1)  # one"),
    "a comment in a helper": swap(FOO, "return x + 1", "return x + 1  # more"),
    "layout": swap(FOO, "y = h(1)", "y = h(\n\n        1,\n    )"),
    "brackets": swap(FOO, "return x + 1", "return (x + 1)"),
    "quotes": swap(FOO.replace("h(1)", "len('a')"), "'a'", '"a"'),
    "a docstring": swap(FOO, "def foo():\n", "def foo():\n    '''Say something.'''\n"),
    "a docstring in a helper": swap(FOO, "def h(x):\n", "def h(x):\n    '''Say something.'''\n"),
    "a docstring in a class": swap(
        "class C:\n  x = 1\n# %%\ndef foo(): return C.x", "class C:\n", "class C:\n  '''Say something.'''\n"
    ),
    "arguments of our decorator": swap(FOO, "@cache_data\n", "@cache_data(show_spinner=False, max_entries=9)\n"),
    "further down": swap(FOO, "def h", "\n\n\n# a title\n\n\ndef h"),
    "another function in the same cell": swap(FOO, "def h", "def unrelated():\n    return 9\n\ndef h"),
    "another global": Edit("A = 1\n# %%\n" + FOO, "A = 2\n# %%\n" + FOO),
    "the helper comes later": Edit(FOO, "\n# %%\n".join(reversed(FOO.split("\n# %%\n")))),
    "an import in the helper's cell": swap(JSON, "import json\n# %%\ndef h", "import json\ndef h"),
    "an import in the function's cell": swap(JSON, "# %%\n@cache_data", "# %%\nimport json\n@cache_data"),
    "annotations that are put off": swap(FOO, "def h", "from __future__ import annotations\ndef h"),
    "annotations of a helper's local": swap(FOO, "    y = h(1)", "    y: int = h(1)"),
    "a registry that the function fills": unedited(
        "HOOKS = []\n# %%\ndef foo():\n  HOOKS.append(lambda: 1)\n  return 1"
    ),
    "a memo of the function": unedited("MEMO = {}\n# %%\ndef foo():\n  MEMO.setdefault('a', 1)\n  return MEMO['a']"),
    "an equal list": call_after("A = [1]\n# %%\ndef foo(): return A", "A = [1]", ""),
    "an equal frame": call_after(
        "import pandas as pd\nA = pd.DataFrame({'a': [1]})\n# %%\ndef foo(): return A['a'].sum()", "A = A.copy()", ""
    ),
    "a change taken back": call_after("A = [1]\n# %%\ndef foo(): return A", "A.append(2)\nA.pop()", ""),
    "an unrelated function of a module": module(
        MODULE, "return 5", "return 6", "import mod\ndef foo(): return mod.f()", "", RELOAD
    ),
    "a comment in a module": module(
        MODULE, "def f()", "# a title\n\ndef f()", "import mod\ndef foo(): return mod.f()", "", RELOAD
    ),
    "a touched file": unedited(
        "def foo(): return open('data.txt').read()",
        setup="open('data.txt', 'w').write('1')",
        setup_after="import os\nos.utime('data.txt', (1e9, 1e9))",
    ),
    "a file written anew with the same content": unedited(
        "def foo(): return open('data.txt').read()",
        setup="open('data.txt', 'w').write('1')",
        setup_after="import os\nos.remove('data.txt')\nopen('data.txt', 'w').write('1')",
    ),
    "an unrelated file": unedited(
        "def foo(): return open('data.txt').read()",
        setup="open('data.txt', 'w').write('1')",
        setup_after="open('other.txt', 'w').write('1')",
    ),
    "a file that the function writes": unedited(
        "def foo():\n  open('out.txt', 'w').write('1')\n  return open('out.txt').read()",
        setup_after="open('out.txt', 'w').write('other')",
    ),
    "a file that the function writes again": unedited(
        "def foo():\n  open('out.txt', 'w').write('1')\n  return open('out.txt').read()",
        setup="open('out.txt', 'w').write('1')",
        setup_after="open('out.txt', 'w').write('other')",
    ),
    "a log that the function appends to": unedited(
        "def foo():\n  with open('log.txt', 'a') as f: f.write('1')\n  return 1",
        setup_after="open('log.txt', 'a').write('other')",
    ),
}
