"""What is known of libraries: what changes its arguments, draws random numbers, reads and writes files.

Only what stands here is trusted to change nothing; of everything else a change is assumed. Names of
modules are those of their packages, without the parts that are their own affair.
"""

from __future__ import annotations

import builtins
import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN = _words(
    """
    abc array base64 bisect calendar collections contextlib copy csv dataclasses datetime decimal enum
    fractions functools gc glob hashlib heapq html inspect io itertools json keyword locale logging math
    numbers operator os pathlib pickle platform pprint random re secrets shutil statistics string struct sys
    tempfile textwrap threading time timeit traceback typing unicodedata urllib uuid warnings zlib
    IPython PIL altair bokeh catboost cupy cv2 dask einops fsspec geopandas gensim holoviews imageio
    imblearn ipywidgets jax joblib keras lightgbm matplotlib mpl_toolkits nltk networkx numba numpy optuna
    pandas plotly polars pyarrow requests scipy seaborn shap shapely skimage sklearn spacy statsmodels sympy
    tensorflow torch torchvision tqdm transformers umap vaex xarray xgboost yaml jupyter_mlops
    """
)
"""Libraries whose functions change none of their arguments, but for those in ``CHANGES_ARGUMENTS``."""
CARRIES = _words("IPython contextlib functools io logging os sys threading")
"""Those of them by which one part of a program may hand something to another unseen."""

GIVES_ITERATORS = re.compile(
    r"(random\.(Random|SystemRandom)|numpy\.random\.(default_rng|RandomState|Generator)|torch\.Generator)$"
    r"|(itertools|io|tqdm|zipfile|tarfile|subprocess|gzip|bz2|lzma)\.|csv\.(reader|DictReader)$|.*\.iglob$"
    r"|os\.(scandir|walk|popen)$|re\.finditer$|urllib\.request\.|.*\.(from_iterable|iter\w*)$|difflib\.|fileinput\."
)
"""Functions whose value may be used up by whoever goes through it."""
GIVES_ANYTHING = re.compile(
    r"jupyter_mlops\.(carried|load\w*)$|copy\.|functools\.|pickle\.|joblib\.load$|torch\.load$|operator\."
)
"""Functions of known libraries whose value may be of any class."""
CHANGES_ARGUMENTS = _words(
    """
    random.shuffle numpy.random.shuffle numpy.put numpy.place numpy.putmask numpy.copyto numpy.fill_diagonal
    numpy.put_along_axis numpy.ndarray.sort heapq.heappush heapq.heappop heapq.heapify heapq.heapreplace
    heapq.heappushpop bisect.insort bisect.insort_left bisect.insort_right operator.setitem operator.delitem
    operator.iadd operator.isub operator.imul json.dump pickle.dump pickle.load csv.writer joblib.dump
    torch.save torch.load struct.pack_into torch.utils.data.random_split copy.replace
    tensorflow.keras.utils.set_random_seed lightgbm.train xgboost.train shutil.copyfileobj
    torch.autograd.backward scipy.linalg.lapack random.setstate numpy.add.at numpy.subtract.at
    """
)
TO_BE_FILLED = frozenset({"out", "file", "ax", "axes", "buf", "fp", "cax"})
"""Keywords whose values a call changes."""
CHANGE_THEIR_ARGUMENTS = frozenset({"shuffle", "readinto", "readinto1", "recv_into", "copyto"})
"""Methods that change what they are given."""
CHANGES_BY_KEYWORD = frozenset({"inplace", "out", "copy", "overwrite_a", "overwrite_b", "callbacks"})

PURE_BUILTINS = _words(
    """
    abs all any ascii bin bool bytes callable chr complex divmod float format frozenset hash hex id int
    isinstance issubclass len oct ord pow print range repr round slice str sum type property staticmethod
    classmethod object hasattr super display breakpoint memoryview
    """
)
PASSES_ON = _words("dict enumerate filter getattr iter list map max min next reversed set sorted tuple zip")
"""Builtins whose value holds what they were given; all but ``getattr`` go through it."""
ITERATORS = _words("enumerate filter iter map reversed zip")
CONTAINERS = _words("dict list set sorted tuple")
BUILTINS = frozenset(dir(builtins)) | {"display", "get_ipython", "__name__", "__file__", "__doc__"}
SEES_ALL = frozenset({"globals", "locals", "vars", "dir", "exec", "eval", "compile", "__import__"})

PURE_METHODS = _words(
    """
    abs add_prefix add_suffix agg aggregate align all any apply argmax argmin argsort as_matrix asfreq
    assign astype at_time autocorr between bfill bool capitalize casefold cast ceil clip collect columns
    combine combine_first compare conj convert_dtypes copy corr corrwith count cov crosstab cummax cummin
    cumprod cumsum cut cpu decode describe detach diff difference dim div dot drop_duplicates drop
    drop_nulls dropna duplicated ele element_size encode endswith eq equals ewm exists exp expand
    expanding explode ffill fill_null fillna filter find first first_valid_index flatten floor format
    frozenset from_records ge get get_group get_n_splits get_params groupby group_by gt head hist idxmax
    idxmin iloc index infer_objects info intersection interpolate is_dir is_file isalnum isalpha isdigit
    isdisjoint isin isna isnull isnumeric isoformat isspace issubset issuperset item items iteritems
    iterrows itertuples join joinpath keys kurt last le len limit ljust loc log lower lstrip lt map mask
    match max mean median melt memory_usage merge min mod mode most_common mul n_unique ne nlargest notna
    notnull nsmallest nunique numel numpy pct_change pipe pivot pivot_table plot pow predict
    predict_log_proba predict_proba prod product quantile query rank ravel reindex relative_to rename
    repeat replace resample reset_index reshape resolve rfind rjust rolling round row rows rpartition
    rsplit rstrip sample schema score score_samples select select_dtypes sem set_index shift size skew
    slice sort_index sort_values split splitlines squeeze stack startswith std stem str strftime strip sub
    sum swapaxes swapcase symmetric_difference t tail take timestamp title to_dict to_dicts to_frame
    to_html to_json to_latex to_list to_markdown to_numpy to_pandas to_period to_polars to_records
    to_series to_string to_timestamp tobytes today tolist trace transform translate transpose truncate
    type unify union unique unsqueeze unstack upper value_counts values var view where width with_columns
    with_name with_suffix xs zfill decision_function iterdir glob rglob read_text read_bytes absolute
    expanduser as_posix is_absolute is_relative_to samefile with_stem match_all hexdigest digest
    total_seconds date weekday isoweekday utcoffset timetuple toordinal qsize empty full print_help
    print_usage format_help format_usage toarray todense tocsr tocsc tocoo nnz boxplot hexbin scatter
    hist2d getbuffer getvalue group groups groupdict span start end most_common elements kneighbors
    named_parameters parameters children modules state_dict named_modules argwhere nonzero
    """
)
"""Methods of objects of known libraries and of Python's own types that leave the object as it is."""

FRESH_METHODS = _words(
    """
    copy deepcopy describe count nunique n_unique mean median std var sum min max item len tolist value_counts
    predict predict_proba score startswith endswith split strip lower upper replace format encode decode join
    isna isnull notna corr cov quantile keys isin memory_usage shape info all any
    """
)
"""Of these, what comes out shares nothing with the object."""

BOUND_CHANGES = _words(
    """
    append extend insert pop popitem popleft appendleft remove clear add update discard setdefault sort
    reverse write writelines send throw close put put_nowait get_nowait fit partial_fit step zero_grad
    backward __next__ __setitem__ __delitem__ __setattr__ __iadd__ __ior__ increment set_description
    shuffle random seed
    """
)
"""Methods that change their object, also where they are passed on and called by somebody else."""
VIEWS = _words(
    """
    reshape ravel view view_as T mT swapaxes transpose squeeze unsqueeze flatten expand expand_as permute
    narrow t diagonal detach numpy to_numpy values split chunk unbind hsplit vsplit dsplit array_split
    asarray asanyarray ascontiguousarray from_numpy as_tensor as_array atleast_1d atleast_2d atleast_3d
    broadcast_to moveaxis rollaxis expand_dims from_dlpack frombuffer memoryview as_strided
    sliding_window_view real imag select getfield squeeze_ movedim swapdims unfold contiguous cpu cuda to
    float double requires_grad_ tensor_split nan_to_num masked_array rot90 flip fliplr flipud
    """
)
"""Methods and functions whose value may share its memory with what it was made of."""
WRAPPERS = re.compile(r"collections\.ChainMap$|(pandas|geopandas|polars|xarray|torch\.nn)\.[A-Z]\w+$")
"""Classes whose instances may share the memory of the arrays and tables that they are given."""

DRAWING_METHODS = _words(
    """
    sample shuffle permutation permuted choice rvs bootstrap fit fit_transform fit_predict fit_resample
    partial_fit train cross_validate
    """
)
ALWAYS_DRAWS = frozenset({"sample", "shuffle", "permutation", "rvs"})

SEEDS = {
    "random.seed": ("random",),
    "random.setstate": ("random",),
    "numpy.random.seed": ("numpy.random",),
    "numpy.random.set_state": ("numpy.random",),
    "torch.manual_seed": ("torch",),
    "torch.random.manual_seed": ("torch",),
    "torch.set_rng_state": ("torch",),
    "torch.seed": ("torch",),
    "torch.cuda.manual_seed": ("torch",),
    "torch.cuda.manual_seed_all": ("torch",),
    "tensorflow.random.set_seed": ("tensorflow",),
    "tensorflow.keras.utils.set_random_seed": ("random", "numpy.random", "tensorflow"),
    "keras.utils.set_random_seed": ("random", "numpy.random", "tensorflow"),
    "transformers.set_seed": ("random", "numpy.random", "torch"),
    "lightning.seed_everything": ("random", "numpy.random", "torch"),
    "lightning.pytorch.seed_everything": ("random", "numpy.random", "torch"),
    "pytorch_lightning.seed_everything": ("random", "numpy.random", "torch"),
}
GENERATORS = ("random", "numpy.random", "torch", "tensorflow")

GIVES_GLOBALS = re.compile(
    r"(decimal\.(getcontext|localcontext)|logging\.getLogger|numpy\.geterrobj|asyncio\.get_\w*loop|os\.environb?"
    r"|warnings\.filters|threading\.main_thread|locale\.localeconv|IPython\.get_ipython|importlib\.import_module)$"
)
"""Functions that give what there is only once: whoever changes it changes it for all."""
REGISTERS = re.compile(
    r"(IPython\.core\.magic\.(register_\w+|magics_class)|atexit\.register|functools\.singledispatch\S*|pandas\.api\.extensions\.\w+"
    r"|.*\.register\w*)$"
)
"""Decorators that keep what they are given."""

NO_DRAWS = _words(
    """
    random.Random random.SystemRandom random.getstate random.seed numpy.random.default_rng
    numpy.random.RandomState numpy.random.Generator numpy.random.SeedSequence numpy.random.get_state
    numpy.random.PCG64 numpy.random.MT19937 numpy.random.seed numpy.random.set_state torch.manual_seed
    """
)
TORCH_DRAWS = re.compile(
    r"torch\.(rand|randn|randint|randperm|normal|bernoulli|multinomial|rand_like|randn_like|poisson)$"
    r"|torch\.nn\.|torch\.utils\.data\."
)
SKLEARN_DRAWS = re.compile(
    r"sklearn\..*\b(train_test_split|\w*ShuffleSplit|RandomForest\w+|ExtraTrees?\w+|GradientBoosting\w+"
    r"|DecisionTree\w+|MLP\w+|SGD\w+|\w*KMeans|TSNE|Bagging\w+|IsolationForest|make_\w+|resample|shuffle"
    r"|permutation_importance|RandomizedSearchCV|Perceptron|AdaBoost\w+|GaussianMixture|RandomizedPCA)$"
)
DRAWS_INSIDE = frozenset({"sklearn", "scipy", "imblearn", "umap", "keras", "tensorflow", "transformers"})
"""Libraries that may draw from a global generator where they get none of their own."""
OWN_SEED = frozenset({"random_state", "seed", "generator", "rng", "random_seed", "key"})

ONLY_SHOWS = re.compile(
    r"(matplotlib\.pyplot\.(?!style|rc|switch_backend|ion$|ioff$|xkcd|set_|get_|imsave|savefig|import)\w+"
    r"|seaborn\.(?!set|reset|desaturate|load_dataset)\w+|plotly\.express\.\w+|pprint\.\w+|time\.sleep"
    r"|gc\.collect|IPython\.display\.\w+|logging\.(getLogger\(\)\.)?(debug|info|warning|error|exception|critical)"
    r"|jupyter_mlops\.(log\w*|tag|runs?|jobs?|schedules?|sweeps?|usage|gpus|compare|history|models|datasets|feature_views|replay)"
    r"|sys\.(exit|getsizeof)|inspect\.\w+|traceback\.\w+|platform\.\w+|dis\.dis"
    r"|numpy\.(testing\.\w+|info|may_share_memory)|torch\.cuda\.(synchronize|empty_cache|is_available)"
    r"|json\.(dump|dumps|load|loads)|pickle\.\w+|math\.\w+|os\.(listdir|getcwd|stat|walk|cpu_count)"
    r"|os\.path\.\w+|copy\.\w+|tqdm\.\w+|missingno\.\w+)$"
)
"""Calls of modules' functions, their value unused, that leave nothing behind but output or a file."""

WRITES_FILE = re.compile(
    r"^(to_(csv|parquet|pickle|feather|hdf|excel|json|sql|stata|zarr|netcdf|disk|orc|xml|html|latex|markdown)"
    r"|write(_\w+)?|writelines|save\w*|dump|savefig|savetxt|savez\w*|imsave|imwrite|mkdir|makedirs|touch"
    r"|unlink|remove|rename|replace_file|rmtree|copy2?|copyfile|copytree|move|symlink|urlretrieve|extract\w*"
    r"|sink_\w+|export\w*|download\w*|snapshot_download|store|to_file|rmdir|write_text|write_bytes|chdir"
    r"|make_archive|unpack_archive|register_dataset|register_model|set_alias|commit|execute|executemany"
    r"|materialize|push_online)$"
)
READS_FILE = re.compile(
    r"^(open|read(_\w+)?|load\w*|genfromtxt|fromfile|memmap|imread|glob|rglob|iglob|listdir|scandir|walk"
    r"|exists|iterdir|is_file|is_dir|from_(pretrained|file|csv|disk|json|parquet)|scan_\w+|import_module"
    r"|run_path|fetch\w*|image_dataset_from_directory|ImageFolder|loadtxt|getsize|stat|execute|urlopen"
    r"|get_dataset|connect|Image|materialize|push_online|training_set|online_features)$"
)
SAFE_WRITERS = frozenset({"copy", "execute", "commit", "store", "remove", "extract", "replace"})
"""Also names of methods that have nothing to do with files: a file only on a module or a path."""

GIVES_NEW = re.compile(
    r"(numpy\.(?!random\b|set|add_|testing|errstate|print)(linalg\.|fft\.|char\.|ma\.)?\w+"
    r"|pandas\.(?!set_|reset_|option|api\b|plotting\b|io\b)\w+|scipy\.(?!fft\.set)[\w.]+"
    r"|sklearn\.(metrics|model_selection|datasets|preprocessing|feature_\w+|pipeline|base|utils)\.\w+"
    r"|(collections|itertools|re|datetime|statistics|textwrap|string|dataclasses|decimal\.Decimal|fractions"
    r"|operator|math|heapq|bisect|json|glob|hashlib|base64|uuid|unicodedata|html|zlib|difflib|types|enum)\.[\w.]+"
    r"|torch\.(?!set_|use_|seed|manual_seed|save|hub|autograd|init|enable|disable|backends)(nn\.functional\.|linalg\.)?\w+"
    r"|(\w+\.)+[A-Z]\w*)$"
)
"""Functions of known libraries that are called for their value and do nothing else."""

HARMLESS_SHELL = re.compile(
    r"^\s*(ls|pwd|echo|cat|head|tail|wc|nvidia-smi|df|du|free|whoami|hostname|uname|which|date|tree|lscpu|nproc"
    r"|grep|git\s+(status|log|diff|branch|show)|pip\s+(list|show|freeze|--version)|python3?\s+(-V|--version)"
    r"|conda\s+(list|info)|file|stat|ps|top\s+-b.*)\b[^>;&|`]*$"
)
LINE_MAGICS_THAT_SHOW = _words(
    """
    timeit who whos who_ls pinfo pinfo2 psearch psource pdoc pdef pfile lsmagic magic history hist notebook
    quickref page pycat ls ll dirs pwd man more less cat mlops prun lprun memit mprun tb debug logstate
    mlops submit track
    """
)
CELL_MAGICS_THAT_SHOW = frozenset(
    {"html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG", "timeit"}
)
CELL_MAGICS_OF_SHELLS = frozenset(
    {"bash", "sh", "script", "perl", "ruby", "python", "python2", "python3", "cmd", "system", "sx", "!"}
)
