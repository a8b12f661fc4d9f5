"""Write docs/siblings.html: one model in NumPy, PyTorch and TensorFlow, side by side.

The page shows the functions as they stand in the files, so it is stale when they change:
`python docs/make_siblings.py` writes it, `--check` only says whether it has to be written.
"""

from __future__ import annotations

import ast
import io
import keyword
import re
import sys
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ddasp.plot import tokens

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "siblings.html"
ENGINES = {"numpy": "NumPy", "torch": "PyTorch", "tensorflow": "TensorFlow"}


@dataclass(frozen=True)
class Section:
    """A part of the comparison: what to look for, and where it stands in each engine's file.

    A place is "file:function"; of `update` it is one optimizer's part.
    """

    name: str
    title: str
    look: str
    numpy: tuple[str, ...]
    torch: tuple[str, ...] = ()
    tensorflow: tuple[str, ...] = ()

    def places(self, engine: str) -> tuple[str, ...]:
        """What of an engine's files is shown; without a word of its own, what NumPy's shows."""
        return getattr(self, engine) or self.numpy


SECTIONS = (
    Section(
        "forward",
        "Forward",
        "Line by line the same thought. The frameworks bring the functions f, NumPy writes them out: "
        "<code>_sigmoid</code> never forms exp of a large number. Look at ReLU, whose corner has "
        "three different slopes in three obvious spellings.",
        ("mlp:_activate", "mlp:_forward", "mlp:_sigmoid", "mlp:_softmax"),
        ("mlp:_activate", "mlp:_forward"),
        ("mlp:_activate", "mlp:_forward"),
    ),
    Section(
        "loss",
        "Loss",
        "All three start from the logits z, never from probabilities, so a saturated unit costs "
        "what it should. NumPy also returns D = dL/dz, which the frameworks will find themselves; "
        "the squared error is written out everywhere, because none of them halves it.",
        ("mlp:_data_loss",),
    ),
    Section(
        "gradients",
        "Gradients",
        "The place where the texts part. NumPy walks back through the layers: D becomes A<sup>T</sup>D, "
        "then DW<sup>T</sup>, then meets the slope. PyTorch and TensorFlow write the loss alone; "
        "<code>autograd.grad</code> and <code>tape.gradient</code> do the walking. NumPy adds the "
        "penalties to loss and gradient, the others to the loss alone.",
        ("mlp:_loss_and_gradients", "mlp:_slope", "mlp:loss_and_gradients"),
        ("mlp:_loss", "mlp:loss_and_gradients"),
        ("mlp:_loss", "mlp:loss_and_gradients"),
    ),
    Section(
        "sgd",
        "Update: momentum",
        "Two lines of arithmetic and three ways to change an array in place: <code>-=</code>, "
        "methods that end in <code>_</code>, and <code>assign</code>. TensorFlow has to be told that "
        "the rate is float64.",
        ("optimizers:update:SGD",),
    ),
    Section(
        "adam",
        "Update: Adam",
        "The step count t: a number of Python in the first two, a variable in TensorFlow, where a "
        "number would be frozen into the graph. Epsilon stands outside the root in all of them, "
        "which is not where Keras has it.",
        ("optimizers:update:Adam",),
    ),
    Section(
        "training",
        "Training loop",
        "The order of the observations, the noise and the dropout come from NumPy in all three, so "
        "every engine sees the same numbers. PyTorch leaves the losses on the device until the end; "
        "TensorFlow traces one step into a graph first, and keeps it.",
        ("mlp:fit",),
        ("mlp:fit", "mlp:_leaves"),
        ("mlp:fit", "mlp:_graph", "mlp:_variables"),
    ),
)

# name of the test that holds it, what, PyTorch, TensorFlow and Keras, here
DIFFERENCES = {
    "Numbers": (
        (
            "a_number_of_python",
            "Dtype of a number of Python",
            "float32; arrays of NumPy keep float64",
            "float32; arrays of NumPy keep float64",
            "that of X: float64 unless X is float32",
        ),
        (
            "mixed_dtypes",
            "float32 with float64",
            "`*` gives float64, `@` is an error",
            "`*` and `@` are errors",
            "everything is cast to the dtype of X first",
        ),
        (
            "layers_given_float64",
            "A layer that is given float64",
            "`Linear` refuses it: its weights are float32",
            "`Dense` casts it to float32 without a word",
            "float64 in, float64 out",
        ),
        (
            "casting_a_number",
            "0.1 as float64",
            "`tensor(0.1).double()` is 0.10000000149, `tensor(0.1, dtype=float64)` is 0.1",
            "`cast(0.1, float64)` is 0.10000000149, `constant(0.1, float64)` is 0.1",
            "`tf.constant` and `tf.convert_to_tensor` with a dtype",
        ),
        (
            "numbers_in_a_graph",
            "A number of Python as argument of a graph",
            "no graph unless asked for",
            "every new value traces `tf.function` once more; a tensor does not",
            "rate and batch are tensors, t is a variable",
        ),
        (
            "gradients_add_up",
            "A second call for the gradient",
            "`backward()` adds to `.grad`; `autograd.grad` returns a new one",
            "a tape returns a new one",
            "`autograd.grad`, a new tape each step",
        ),
    ),
    "Parameters": (
        (
            "layout_of_dense_layers",
            "Weights of a dense layer",
            "`Linear`: (n_out, n_in)",
            "`Dense`: (n_in, n_out)",
            "(n_in, n_out), Z = X W + b",
        ),
        (
            "layout_of_convolutions",
            "Weights of a convolution, order of the maps",
            "(n_out, n_in, height, width); maps (n, channels, height, width)",
            "(height, width, n_in, n_out); maps (n, height, width, channels)",
            "as PyTorch",
        ),
        (
            "first_parameters",
            "First parameters of a dense layer",
            "W and b uniform within ±1/√n_in",
            "W uniform within ±√(6/(n_in + n_out)) (Glorot), b = 0",
            "Glorot, before ReLU ±√(6/n_in) (He), b = 0; drawn by NumPy",
        ),
    ),
    "Optimizers": (
        (
            "dtype_of_the_learning_rate",
            "Learning rate",
            "number of Python, float64",
            "Keras keeps it in float32: 0.1 is off by 1.5e-8 of itself, and so is every step; 0.125 is "
            "exact",
            "float64",
        ),
        (
            "default_learning_rates",
            "Default rate of SGD",
            "0.001",
            "0.01",
            "0.01",
        ),
        (
            "default_epsilon",
            "Default epsilon of Adam",
            "1e-8",
            "1e-7",
            "1e-8",
        ),
        (
            "place_of_epsilon",
            "Place of epsilon in Adam",
            "√(s / (1 − β2<sup>t</sup>)) + ε",
            "√s + ε: in the first step ε weighs 1/√(1 − β2) ≈ 32 times as much",
            "as PyTorch, as published",
        ),
        (
            "velocity_and_rate",
            "Momentum under a changing rate",
            "v ← βv + g, θ ← θ − αv: the rate of today acts on all earlier gradients",
            "v ← βv − αg, θ ← θ + v: each gradient keeps the rate of its day",
            "as Keras",
        ),
        (
            "weight_decay_of_adam",
            "`Adam(weight_decay=…)`",
            "added to the gradient (L2), so it is normalised with it; decoupled in `AdamW`",
            "decoupled, in `Adam` as in `AdamW`",
            "decoupled",
        ),
        (
            "default_weight_decay",
            "Default decay of `AdamW`; what decays",
            "0.01; intercepts too",
            "0.004; intercepts too",
            "0; matrices only",
        ),
    ),
    "Losses": (
        (
            "squared_error",
            "Squared error",
            "mean over observations and outputs",
            "mean over observations and outputs",
            "half the sum over outputs, mean over observations",
        ),
        (
            "strength_of_l2",
            "L2 with strength c",
            "`SGD(weight_decay=c)`: gradient c W",
            "`regularizers.L2(c)`: c ΣW², gradient 2 c W",
            "c/2 ΣW², gradient c W",
        ),
        (
            "weighted_means",
            "Mean of weighted losses",
            "`cross_entropy(weight=…)`: Σwl / Σw of the minibatch",
            "`sample_weight`: Σwl / n",
            "Σwl / n with weights of mean 1 over all observations",
        ),
        (
            "shapes_of_targets",
            "Predictions (n, 1), targets (n,)",
            "`mse_loss` compares all with all, (n, n), and warns; `binary_cross_entropy` refuses",
            "a loss of Keras compares row with row; bare tensors all with all, without a word",
            "targets are brought into shape first",
        ),
        (
            "labels",
            "Codes of classes",
            "`cross_entropy`: int64, int32 is an error",
            "integers of any width, floats too",
            "integers of any width; floats are an error",
        ),
        (
            "probability_zero",
            "Cross-entropy of the probability 0",
            "`nll_loss` of log 0: infinite; `binary_cross_entropy`: 100",
            "clipped to 1e-7, so 16.1 at most",
            "from logits: their distance, 1600 for ±800",
        ),
    ),
    "Layers": (
        (
            "corner_of_relu",
            "Slope of max(z, 0) at z = 0",
            "`relu` 0, `clamp(min=0)` 1, `maximum` ½",
            "`relu` 0, `maximum` 1",
            "0",
        ),
        (
            "equal_maxima",
            "Gradient of equal maxima",
            "`max_pool2d`: the first takes all; `amax` and `max` of everything: equal shares",
            "`max_pool2d`: the first takes all; `reduce_max`: equal shares",
            "pooling: the first takes all",
        ),
        (
            "same_padding_with_stride",
            'Padding "same" with stride 2 (4 samples, window 3)',
            '"same" is an error; `padding=1`: one zero on each side',
            "one zero at the end alone, so the windows stand one sample later",
            "p zeros on each side",
        ),
        (
            "batch_normalisation",
            "Batch normalisation: momentum, epsilon",
            "0.1, the share of the new; 1e-5",
            "0.99, the share of the old; 1e-3",
            "as PyTorch",
        ),
        (
            "running_variance",
            "Its running variance",
            "unbiased, 1/(n − 1)",
            "biased, 1/n",
            "as PyTorch",
        ),
        (
            "layer_normalisation",
            "Layer normalisation: epsilon",
            "1e-5",
            "1e-3",
            "not used",
        ),
        (
            "leaky_relu",
            "Slope of leaky ReLU",
            "0.01",
            "`layers.LeakyReLU` 0.3, `tf.nn.leaky_relu` 0.2",
            "not used",
        ),
    ),
}


# ---- the source


def source(engine: str, place: str) -> str:
    """The text of a function without its docstring, or of one optimizer's part of `update`."""
    file, name, *part = place.split(":")
    lines = (ROOT / f"src/ddasp/nonlinear/{file}_{engine}.py").read_text("utf-8").splitlines()
    tree = ast.parse("\n".join(lines))
    (function,) = (f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == name)
    said = function.body[0] if ast.get_docstring(function) else None
    if part:
        first, last = optimizer_lines(function, part[0])
        return textwrap.dedent("\n".join(lines[first:last]))
    numbered = enumerate(lines[function.lineno - 1 : function.end_lineno], function.lineno)
    kept = [
        line for n, line in numbered if not (said and said.lineno <= n <= (said.end_lineno or n))
    ]
    return "\n".join(kept).replace(":\n\n    def ", ":\n    def ")


def optimizer_lines(function: ast.FunctionDef, optimizer: str) -> tuple[int, int]:
    """Where the part of SGD, with what comes before it, or that of Adam stands."""
    for block in ast.walk(function):
        body = getattr(block, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.If) and "SGD" in ast.unparse(statement.test):
                border = statement.end_lineno or 0
                begin = (function.body[0].end_lineno or 0) if block is function else block.lineno
                return (begin, border) if optimizer == "SGD" else (border, body[-1].end_lineno)
    raise ValueError(f"{function.name} has no part of its own for SGD")


# ---- from text to HTML


def kind(token: tokenize.TokenInfo, before: str) -> str:
    """What a token is: comment, string, keyword, defined name, or nothing of these."""
    if token.type == tokenize.COMMENT:
        return "c"
    if token.type == tokenize.STRING:
        return "s"
    soft = token.string in ("match", "case") and not token.line[: token.start[1]].strip()
    if token.type == tokenize.NAME and (keyword.iskeyword(token.string) or soft):
        return "k"
    return "d" if before == "def" else ""


def highlighted(text: str) -> Iterator[str]:
    """The lines as HTML, with classes for what `kind` tells."""
    lines, before = text.splitlines(), ""
    marked: list[list[tuple[int, int, str]]] = [[] for _ in lines]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if name := kind(token, before):
            marked[token.start[0] - 1].append((token.start[1], token.end[1], name))
        before = token.string
    for line, marks in zip(lines, marked, strict=True):
        html, done = "", 0
        for start, end, name in marks:
            html += f"{escape(line[done:start])}<i class={name}>{escape(line[start:end])}</i>"
            done = end
        yield html + escape(line[done:])


def code(text: str, common: set[str]) -> str:
    """A block of lines; a line that not all engines have carries a mark."""
    html = []
    for plain, line in zip(text.splitlines(), highlighted(text), strict=True):
        own = " own" if plain.strip() and plain.strip() not in common else ""
        indent = len(plain) - len(plain.lstrip())
        html.append(f'<span class="l{own}" style="--i:{indent}">{line}\n</span>')
    return f"<pre><code>{''.join(html)}</code></pre>"


def section(part: Section) -> str:
    """Heading, what to look for, and the text of each engine."""
    texts = {engine: [source(engine, place) for place in part.places(engine)] for engine in ENGINES}
    lines = [
        {line.strip() for text in found for line in text.splitlines()} for found in texts.values()
    ]
    common = set.intersection(*lines)
    columns = []
    for engine, found in texts.items():
        files = dict.fromkeys(place.partition(":")[0] for place in part.places(engine))
        names = ", ".join(f"{file}_{engine}.py" for file in files)
        blocks = "".join(code(text, common) for text in found)
        columns.append(
            f'<div class="code {engine}"><h3>{ENGINES[engine]} <span>{names}</span></h3>'
            f"{blocks}</div>"
        )
    return (
        f'<section id="{part.name}"><h2>{part.title}</h2><p>{part.look}</p>'
        f'<div class="columns">{"".join(columns)}</div></section>'
    )


def prose(cell: str) -> str:
    """A cell of the table: words between backticks are code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", cell)


def table() -> str:
    """What differs between the frameworks' own building blocks."""
    heads = ("", "PyTorch", "TensorFlow and Keras", "ddasp")
    html = "<table><thead><tr>" + "".join(f'<th scope="col">{h}</th>' for h in heads)
    html += "</tr></thead>"
    for group, rows in DIFFERENCES.items():
        html += f'<tbody><tr class="group"><th colspan="4" scope="rowgroup">{group}</th></tr>'
        for _, what, *cells in rows:
            html += f'<tr><th scope="row">{prose(what)}</th>'
            for head, cell in zip(heads[1:], cells, strict=True):
                html += f'<td data-head="{head}">{prose(cell)}</td>'
            html += "</tr>"
        html += "</tbody>"
    return html + "</table>"


STYLE = """*{box-sizing:border-box}
html{font:16px/1.5 var(--font-text);background:var(--surface);color:var(--ink);-webkit-text-size-adjust:100%;
scroll-padding-top:4rem;overflow-anchor:none}
body{margin:0}
main{max-width:var(--size-page);margin:0 auto;padding:0 var(--space-m) var(--space-xl)}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
header{padding:var(--space-l) 0 var(--space-s)}
h1{font-size:clamp(1.8rem,5vw,2.6rem);line-height:1.1;letter-spacing:-.01em;margin:0 0 var(--space-m)}
h2{font-size:1.4rem;line-height:1.2;margin:0 0 var(--space-s)}
p{max-width:66ch;margin:0 0 var(--space-m)}
.lead{font-size:1.1rem}
.contents{list-style:none;display:flex;flex-wrap:wrap;gap:0 1.2rem;margin:0 0 var(--space-s);padding:0}
.contents a{display:inline-block;padding:.4rem 0}
section{border-top:2px solid var(--ink);padding-top:var(--space-m);margin-top:var(--space-xl)}
code,pre{font-family:var(--font-mono);font-size:.87em}
.bar{position:sticky;top:0;z-index:2;background:var(--surface);border:0;border-bottom:1px solid var(--rule);margin:0;padding:var(--space-s) 0;display:flex;gap:var(--space-s)}
.bar legend{position:absolute;left:-99rem}
.bar label{cursor:pointer;padding:.45rem .8rem;border:1px solid var(--rule);border-radius:3px;line-height:1.2}
.bar input{position:absolute;opacity:0}
.bar label:has(:checked){background:var(--ink);color:var(--surface);border-color:var(--ink)}
.bar label:has(:focus-visible){outline:2px solid var(--accent);outline-offset:2px}
.code h3{font-size:.95rem;margin:0;padding:var(--space-s) 0;background:var(--surface)}
.code h3 span{font-weight:400;color:var(--quiet);font-family:var(--font-mono);font-size:.8rem}
pre{background:var(--raised);margin:0 0 var(--space-s);padding:var(--space-s) 0;font-size:.78rem;line-height:1.5}
pre code{font-size:inherit}
.l{display:block;white-space:pre-wrap;overflow-wrap:anywhere;padding:0 .7rem 0 calc(.7rem + (var(--i) + 4)*1ch);text-indent:calc((var(--i) + 4)*-1ch);border-left:3px solid transparent}
.l.own{border-left-color:var(--accent)}
i{font-style:normal}
sup{line-height:0}
.k{color:var(--accent)}
.s{color:var(--good)}
.c{color:var(--quiet);font-style:italic}
.d{font-weight:700}
.key{display:inline-block;width:3px;height:1em;background:var(--accent);vertical-align:-.15em;margin:0 .15em}
table{border-collapse:collapse;width:100%;font-size:.92rem;line-height:1.45}
th,td{text-align:left;vertical-align:top;padding:.5rem 1rem .5rem 0;border-bottom:1px solid var(--rule)}
thead th{border-bottom:1.5px solid var(--ink);font-weight:600}
thead th:first-child{width:22%}
tbody th{font-weight:400;color:var(--quiet)}
.group th{font-weight:600;color:var(--ink);padding-top:var(--space-l)}
td code,th code{overflow-wrap:anywhere}
td:last-child{padding-right:0}
@media screen and (max-width:1499px){
body:has(#show-numpy:checked) .code:not(.numpy),body:has(#show-torch:checked) .code:not(.torch),body:has(#show-tensorflow:checked) .code:not(.tensorflow){display:none}
}
@media screen and (min-width:1500px){
main{max-width:1800px;padding:0 var(--space-l) var(--space-xl)}
.bar{display:none}
html{scroll-padding-top:0}
.columns{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:var(--space-m)}
.code h3{position:sticky;top:0;z-index:1}
table{max-width:1400px}
}
@media (max-width:700px){
thead{display:none}
table,tbody,tr,th,td{display:block}
tr{padding:.6rem 0;border-bottom:1px solid var(--rule)}
th,td{border:0;padding:.1rem 0}
tbody th{color:var(--ink);font-weight:600}
.group{padding:var(--space-m) 0 .2rem;border-bottom:1.5px solid var(--ink)}
.group th{font-size:1.1rem;padding:0}
td::before{content:attr(data-head) ": ";color:var(--quiet)}
pre{font-size:.74rem}
}
"""  # noqa: E501 - a rule of CSS is a line

# where the reader is, stays where it is when another engine's text is longer or shorter
SCRIPT = """let seen
const sections = [...document.querySelectorAll('section')]
const top_ = (s) => s.getBoundingClientRect().top
addEventListener('scroll', () => {
  const at = sections.findLast((s) => top_(s) < innerHeight / 3) ?? sections[0]
  seen = [at, top_(at)]
}, {passive: true})
document.querySelector('.bar').addEventListener('change', () => {
  if (seen) scrollBy(0, top_(seen[0]) - seen[1])
})"""

PAGE_HTML = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>One model, three texts · ddasp</title>
<style>
{style}</style>
<main>
<header>
<h1>One model, three texts</h1>
<p class="lead">The multilayer perceptron of ddasp is written out three times: in NumPy with every
derivative by hand, in PyTorch, and in TensorFlow. Same verbs, same first parameters, same order of
the observations, same noise. In float64 the texts agree after 300 training steps in every loss and
every parameter to better than 1e-11; a test holds them to it.</p>
<p>What is shown is what runs, without the docstrings; this page is made from the files.
A bar <span class="key"></span> marks a line that is not the same in all three.</p>
<ul class="contents">{contents}</ul>
</header>
<fieldset class="bar"><legend>Show the text in</legend>{tabs}</fieldset>
{sections}
<section id="differences"><h2>Where the frameworks differ</h2>
<p>Two texts that look alike may still compute different things, mostly through defaults. These are
the differences between what PyTorch, TensorFlow and Keras offer ready-made, and what ddasp does.
Every line is a test that runs the frameworks; first written down with PyTorch 2.13, TensorFlow 2.21
and Keras 3.15.</p>
{table}
</section>
</main>
<script>
{script}
</script>
</html>
"""


def page() -> str:
    """The whole page."""
    titles = [*((part.name, part.title) for part in SECTIONS), ("differences", "Differences")]
    tabs = (
        f'<label><input type="radio" name="engine" id="show-{engine}"'
        f"{' checked' if engine == 'numpy' else ''}>{label}</label>"
        for engine, label in ENGINES.items()
    )
    return PAGE_HTML.format(
        style=tokens.css() + STYLE,
        contents="".join(f'<li><a href="#{name}">{title}</a>' for name, title in titles),
        tabs="".join(tabs),
        sections="\n".join(map(section, SECTIONS)),
        table=table(),
        script=SCRIPT,
    )


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(PAGE.read_text("utf-8") != page() and "stale: python docs/make_siblings.py")
    PAGE.write_text(page(), "utf-8")
