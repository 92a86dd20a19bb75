"""Files that are written anew, by every common way to read them."""

from __future__ import annotations

from edit import Edit, data

TEXT = "open('data.txt', 'w').write(f'{N}\\n')"
CSV = "open('data.csv', 'w').write(f'a,b\\n{N},2\\n')"
FRAME = "import pandas as pd\nframe = pd.DataFrame({'a': [N, 3]})\n"
# Formats that write the time of day into the file: each content is made once, and copied into place.
ONCE = (
    "import os, shutil\n"
    "def once(suffix, write):\n"
    "  if not os.path.exists(f'{N}.{suffix}'): write(f'{N}.{suffix}')\n"
    "  shutil.copy(f'{N}.{suffix}', f'data.{suffix}')\n"
)
SQL = (
    "import os, sqlite3\n"
    "if os.path.exists('data.db'): os.remove('data.db')\n"
    "with sqlite3.connect('data.db') as base:\n"
    "  base.execute('create table t (a)')\n"
    "  base.execute('insert into t values (?)', (N,))\n"
    "base.close()\n"
)
FILES = {
    "open": data(TEXT, "def foo(): return open('data.txt').read()"),
    "open by a name put together": data(TEXT, "N = 'data'\ndef foo(): return open(N + '.txt').read()"),
    "open in a with block": data(TEXT, "def foo():\n  with open('data.txt') as f: return f.readlines()"),
    "os.open": data(TEXT, "import os\ndef foo(): return os.read(os.open('data.txt', os.O_RDONLY), 9)"),
    "pathlib read_text": data(TEXT, "from pathlib import Path\ndef foo(): return Path('data.txt').read_text()"),
    "pathlib read_bytes": data(
        TEXT, "from pathlib import Path\nP = Path('data.txt')\ndef foo(): return P.read_bytes()"
    ),
    "a helper reads": data(TEXT, "def h(): return open('data.txt').read()\n# %%\ndef foo(): return h()"),
    "another cached function reads": data(
        TEXT, "@cache_data\ndef h(): return open('data.txt').read()\n# %%\n@cache_data\ndef foo(): return h()"
    ),
    "a thread reads": data(
        TEXT,
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def read(): return open('data.txt').read()\n"
        "def foo():\n  with ThreadPoolExecutor(1) as pool: return pool.submit(read).result()",
    ),
    "numpy load": data(
        "import numpy as np\nnp.save('data.npy', np.array([N]))",
        "import numpy as np\ndef foo(): return np.load('data.npy').tolist()",
    ),
    "numpy memmap": data(
        "import numpy as np\nnp.save('data.npy', np.array([N]))",
        "import numpy as np\ndef foo(): return np.load('data.npy', mmap_mode='r').tolist()",
    ),
    "numpy npz": data(
        "import numpy as np\nnp.savez('data.npz', a=np.array([N]))",
        "import numpy as np\ndef foo():\n  with np.load('data.npz') as z: return z['a'].tolist()",
    ),
    "numpy loadtxt": data(TEXT, "import numpy as np\ndef foo(): return np.loadtxt('data.txt').tolist()"),
    "numpy fromfile": data(
        "import numpy as np\nnp.array([N]).tofile('data.bin')",
        "import numpy as np\ndef foo(): return np.fromfile('data.bin', int).tolist()",
    ),
    "pandas csv": data(CSV, "import pandas as pd\ndef foo(): return pd.read_csv('data.csv').to_dict()"),
    "pandas csv by pyarrow": data(
        CSV, "import pandas as pd\ndef foo(): return pd.read_csv('data.csv', engine='pyarrow').to_dict()"
    ),
    "pandas parquet": data(
        FRAME + "frame.to_parquet('data.parquet')",
        "import pandas as pd\ndef foo(): return pd.read_parquet('data.parquet').to_dict()",
    ),
    "pandas feather": data(
        FRAME + "frame.to_feather('data.feather')",
        "import pandas as pd\ndef foo(): return pd.read_feather('data.feather').to_dict()",
    ),
    "pandas excel": data(
        ONCE + FRAME + "once('xlsx', frame.to_excel)",
        "import pandas as pd\ndef foo(): return pd.read_excel('data.xlsx').to_dict()",
    ),
    "pandas json": data(
        FRAME + "frame.to_json('data.json')",
        "import pandas as pd\ndef foo(): return pd.read_json('data.json').to_dict()",
    ),
    "pandas pickle": data(
        FRAME + "frame.to_pickle('data.pkl')",
        "import pandas as pd\ndef foo(): return pd.read_pickle('data.pkl').to_dict()",
    ),
    "pandas fixed width": data(
        "open('data.txt', 'w').write(f'a   b\\n{N}   2\\n')",
        "import pandas as pd\ndef foo(): return pd.read_fwf('data.txt').to_dict()",
    ),
    "pyarrow parquet": data(
        FRAME + "frame.to_parquet('data.parquet')",
        "import pyarrow.parquet as pq\ndef foo(): return pq.read_table('data.parquet').to_pydict()",
    ),
    "pyarrow csv": data(CSV, "import pyarrow.csv\ndef foo(): return pyarrow.csv.read_csv('data.csv').to_pydict()"),
    "pyarrow feather": data(
        FRAME + "frame.to_feather('data.feather')",
        "import pyarrow.feather as feather\ndef foo(): return feather.read_table('data.feather').to_pydict()",
    ),
    "pyarrow dataset": data(
        FRAME + "import os\nos.makedirs('data', exist_ok=True)\nframe.to_parquet('data/part.parquet')",
        "import pyarrow.dataset\nD = './data'\ndef foo(): return pyarrow.dataset.dataset(D).to_table().to_pydict()",
        "data",
    ),
    "polars csv": data(CSV, "import polars as pl\ndef foo(): return pl.read_csv('data.csv').to_dict(as_series=False)"),
    "polars lazy csv": data(
        CSV, "import polars as pl\ndef foo(): return pl.scan_csv('data.csv').collect().to_dict(as_series=False)"
    ),
    "polars parquet": data(
        FRAME + "frame.to_parquet('data.parquet')",
        "import polars as pl\ndef foo(): return pl.read_parquet('data.parquet').to_dict(as_series=False)",
    ),
    "polars lazy parquet": data(
        FRAME + "frame.to_parquet('data.parquet')",
        "import polars as pl\ndef foo(): return pl.scan_parquet('data.parquet').collect().to_dict(as_series=False)",
    ),
    "polars pattern": data(
        FRAME + "frame.to_parquet('data1.parquet')",
        "import polars as pl\ndef foo(): return pl.scan_parquet('data*.parquet').collect().to_dict(as_series=False)",
    ),
    "polars from a global path": data(
        FRAME + "frame.to_parquet('data.parquet')",
        "import polars as pl\nfrom pathlib import Path\nP = Path('data.parquet')\n"
        "def foo(): return pl.read_parquet(P).to_dict(as_series=False)",
    ),
    "sqlite3": data(
        SQL,
        "import sqlite3\ndef foo():\n  base = sqlite3.connect('data.db')\n"
        "  try: return base.execute('select a from t').fetchall()\n  finally: base.close()",
    ),
    "pandas sql": data(
        SQL,
        "import pandas as pd, sqlite3\ndef foo():\n  base = sqlite3.connect('data.db')\n"
        "  try: return pd.read_sql('select a from t', base).to_dict()\n  finally: base.close()",
    ),
    "json": data(
        "import json\njson.dump([N], open('data.json', 'w'))",
        "import json\ndef foo(): return json.load(open('data.json'))",
    ),
    "joblib": data(
        "import joblib\njoblib.dump([N], 'data.joblib')",
        "import joblib\ndef foo(): return joblib.load('data.joblib')",
    ),
    "pickle": data(
        "import pickle\nwith open('data.pkl', 'wb') as f: pickle.dump([N], f)",
        "import pickle\ndef foo():\n  with open('data.pkl', 'rb') as f: return pickle.load(f)",
    ),
    "csv module": data(CSV, "import csv\ndef foo():\n  with open('data.csv') as f: return list(csv.reader(f))"),
    "gzip": data(
        ONCE + "def write(name):\n  with gzip.open(name, 'wt') as f: f.write(str(N))\nimport gzip\nonce('gz', write)",
        "import gzip\ndef foo():\n  with gzip.open('data.gz', 'rt') as f: return f.read()",
    ),
    "zip": data(
        ONCE + "def write(name):\n  with zipfile.ZipFile(name, 'w') as z: z.writestr('a', str(N))\n"
        "import zipfile\nonce('zip', write)",
        "import zipfile\ndef foo():\n  with zipfile.ZipFile('data.zip') as z: return z.read('a')",
    ),
    "tomllib": data(
        "open('data.toml', 'w').write(f'a = {N}')",
        "import tomllib\ndef foo():\n  with open('data.toml', 'rb') as f: return tomllib.load(f)",
    ),
    "PIL": data(
        "from PIL import Image\nImage.new('L', (1, 1), N).save('data.png')",
        "from PIL import Image\ndef foo():\n  with Image.open('data.png') as i: return i.getpixel((0, 0))",
    ),
    "matplotlib imread": data(
        "from PIL import Image\nImage.new('L', (1, 1), N * 100).save('data.png')",
        "import matplotlib.image\ndef foo(): return matplotlib.image.imread('data.png').tolist()",
    ),
    "scipy mat file": data(
        ONCE + "import scipy.io\nonce('mat', lambda name: scipy.io.savemat(name, {'a': N}))",
        "import scipy.io\ndef foo(): return scipy.io.loadmat('data.mat')['a'].tolist()",
    ),
    "glob": data(
        "import os\nos.makedirs('data', exist_ok=True)\n"
        "[os.remove(f'data/{n}') for n in os.listdir('data')]\n[open(f'data/{i}', 'w').close() for i in range(N)]",
        "import glob\ndef foo(): return sorted(glob.glob('data/*'))",
        "files that match data/* changed: 1 name added: data/1",
    ),
    "iterdir": data(
        "import os\nos.makedirs('data', exist_ok=True)\n"
        "[os.remove(f'data/{n}') for n in os.listdir('data')]\n[open(f'data/{i}', 'w').close() for i in range(N)]",
        "from pathlib import Path\ndef foo(): return sorted(p.name for p in Path('data').iterdir())",
        "folder data",
    ),
    "os.walk": data(
        "import os\nos.makedirs('data/deep', exist_ok=True)\n"
        "[os.remove(f'data/deep/{n}') for n in os.listdir('data/deep')]\n"
        "[open(f'data/deep/{i}', 'w').close() for i in range(N)]",
        "import os\ndef foo(): return [sorted(names) for _, _, names in os.walk('data')]",
        "folder data/deep",
    ),
    "every file of a folder": data(
        "import os\nos.makedirs('data', exist_ok=True)\nopen('data/a', 'w').write(str(N))",
        "from pathlib import Path\ndef foo(): return [p.read_text() for p in Path('data').glob('*')]",
        "file data/a",
    ),
    "a missing file appears": data(
        "import os\n"
        "if N == 2: open('data.txt', 'w').write('x')\n"
        "elif os.path.exists('data.txt'): os.remove('data.txt')",
        "def foo():\n  try: return open('data.txt').read()\n  except FileNotFoundError: return None",
        "data.txt",
    ),
    "a file disappears": data(
        "import os\n"
        "if N == 1: open('data.txt', 'w').write('x')\n"
        "elif os.path.exists('data.txt'): os.remove('data.txt')",
        "def foo():\n  try: return open('data.txt').read()\n  except FileNotFoundError: return None",
        "data.txt",
    ),
    "depends_on a file": Edit(
        "import os\n@cache_data(depends_on='data.txt')\ndef foo(): return os.popen('cat data.txt').read()",
        "import os\n@cache_data(depends_on='data.txt')\ndef foo(): return os.popen('cat data.txt').read()",
        "depends_on data.txt",
        f"N = 1\n{TEXT}",
        f"N = 2\n{TEXT}",
    ),
}
