"""Log-mel spectra and MFCC of sound: ddasp beside its peers, and beside the FFT alone.

    python benchmarks/features.py [--parts long folder memory] [--write docs/benchmarks]

*long*: two minutes at 16 kHz, frames of 512 samples every 160, 64 bands, 13 coefficients. In one
process the peers take turns, seven rounds (three with all cores); in each, a peer runs right behind
ddasp, and the ratio is the median. With one thread, seconds are those of the processor, not of the
clock on the wall, which also counts what others do on this machine; with all cores they are those of
the clock. *folder*: 3,000 WAV files of half a second at 8 kHz: read, log-mel, MFCC. *memory*: three
hours in pieces of one second through a `FrameStream`, in a process of its own. `--write` puts tables
and a figure into the page.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

Call = Callable[[], Any]
RATE, LENGTH, HOP, N_MELS, N_MFCC = 16000, 512, 160, 64, 13
MINUTES, ROUNDS = 2, 7
N_FILES, FILE_RATE, FILE_LENGTH, FILE_HOP, FILE_MELS = 3000, 8000, 256, 80, 40
HOURS = 3
OURS = "ddasp"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


# ---- a long sound ------------------------------------------------------------------------------


def of_ddasp(x: np.ndarray, n_threads: int) -> dict[str, tuple[Call, Call]]:
    """Log-mel and MFCC: the quick function, without Numba, and step by step."""
    from ddasp.audio import mel, mel_spectrogram, stft

    bands = mel.MelBands(N_MELS, 0.0, RATE / 2)
    W = mel.filter_bank(bands, LENGTH, RATE)
    blocks = mel_spectrogram._Blocks(LENGTH, LENGTH, W, x.dtype)

    def quick() -> np.ndarray:
        return mel_spectrogram.log_mel_spectrogram(x, RATE, bands, LENGTH, HOP, n_threads=n_threads)

    def without_numba() -> np.ndarray:
        out = np.empty((1 + len(x) // HOP, N_MELS), x.dtype)
        blocks(np.pad(x, LENGTH // 2), HOP, out)
        return out

    def steps() -> np.ndarray:
        return mel.log_mel(stft.power_spectra(x, LENGTH, HOP), W)

    return {
        OURS: (quick, lambda: mel.mfcc(quick(), N_MFCC)),
        "ddasp without Numba": (without_numba, lambda: mel.mfcc(without_numba(), N_MFCC)),
        "ddasp step by step": (steps, lambda: mel.mfcc(steps(), N_MFCC)),
    }


def of_librosa(x: np.ndarray) -> dict[str, tuple[Call, Call]]:
    import librosa

    def levels() -> np.ndarray:
        S = librosa.feature.melspectrogram(
            y=x, sr=RATE, n_fft=LENGTH, hop_length=HOP, n_mels=N_MELS, pad_mode="constant"
        )
        return librosa.power_to_db(S, amin=1e-12, top_db=None)

    return {"librosa": (levels, lambda: librosa.feature.mfcc(S=levels(), n_mfcc=N_MFCC))}


def of_torch(x: np.ndarray, n_threads: int) -> dict[str, tuple[Call, Call]]:
    import torch

    from ddasp.audio import mel

    torch.set_num_threads(n_threads)
    wave, window = torch.from_numpy(x), torch.hann_window(LENGTH, dtype=torch.from_numpy(x).dtype)
    W = torch.from_numpy(
        mel.filter_bank(mel.MelBands(N_MELS, 0.0, RATE / 2), LENGTH, RATE).astype(x.dtype)
    )
    D = torch.from_numpy(mel.dct_matrix(N_MFCC, N_MELS).astype(x.dtype))

    @torch.inference_mode()
    def levels() -> Any:
        X = torch.stft(
            wave, LENGTH, HOP, window=window, center=True, pad_mode="constant", return_complex=True
        )
        P = torch.view_as_real(X).square().sum(-1)
        return 10 * torch.log10(torch.clamp(W @ P, min=1e-12))

    with torch.inference_mode():
        return {"PyTorch": (levels, lambda: D @ levels())}


def of_kaldi(x: np.ndarray) -> dict[str, tuple[Call, Call]]:
    if x.dtype != np.float32:
        return {}
    import kaldi_native_fbank as knf

    def set_up(options: Any) -> Any:
        frame = options.frame_opts
        frame.samp_freq, frame.frame_length_ms, frame.frame_shift_ms = RATE, 32, 10
        frame.dither, frame.preemph_coeff, frame.remove_dc_offset = 0, 0, False
        frame.window_type, frame.snip_edges = "hann", False
        options.mel_opts.num_bins, options.mel_opts.high_freq = N_MELS, RATE / 2
        return options

    def compute(online: Any) -> np.ndarray:
        for start in range(0, len(x), RATE):  # quicker as lists, and in pieces
            online.accept_waveform(RATE, x[start : start + RATE].tolist())
        online.input_finished()
        return np.stack([online.get_frame(m) for m in range(online.num_frames_ready)])

    fbank, mfcc = set_up(knf.FbankOptions()), set_up(knf.MfccOptions())
    mfcc.num_ceps = N_MFCC
    return {
        "kaldi-native-fbank": (
            lambda: compute(knf.OnlineFbank(fbank)),
            lambda: compute(knf.OnlineMfcc(mfcc)),
        )
    }


def of_fft(x: np.ndarray, n_threads: int) -> dict[str, tuple[Call, Call | None]]:
    """The transforms alone: of frames that were cut and windowed before, and of the signal's."""
    from scipy import fft

    from ddasp.audio import stft

    views = stft.frames(x, LENGTH, HOP)
    window = stft.hann(LENGTH).astype(x.dtype)
    block, size = np.multiply(views[:256], window), 256 * n_threads

    def blocks() -> None:
        big = np.tile(block, (n_threads, 1)) if n_threads > 1 else block
        for _ in range(0, len(views), size):
            fft.rfft(big, axis=1, workers=n_threads)

    def framed() -> None:
        fft.rfft(views * window, axis=1, workers=n_threads)

    return {"SciPy, FFT alone": (blocks, None), "SciPy, window and FFT": (framed, None)}


def long(dtype: str, n_threads: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of each peer in each round, and times ddasp: log-mel and MFCC."""
    rng = np.random.default_rng(0)
    x = (0.1 * rng.normal(size=MINUTES * 60 * RATE)).astype(dtype)
    peers: dict[str, tuple[Call, Call | None]] = {
        **of_ddasp(x, n_threads),
        **of_librosa(x),
        **of_torch(x, n_threads),
        **of_kaldi(x),
        **of_fft(x, n_threads),
    }
    now = time.process_time if n_threads == 1 else time.perf_counter

    def seconds(call: Call) -> float:
        start = now()
        call()
        return now() - start

    found: dict[str, dict[str, list[float]]] = {}
    n_rounds = ROUNDS if n_threads == 1 else ROUNDS // 2
    for round_ in range(-1, n_rounds):  # the first one compiles and fills the caches
        for name, calls in peers.items():
            for what, ours, call in zip(("log-mel", "MFCC"), peers[OURS], calls, strict=True):
                if call is None or ours is None:
                    continue
                before, its = seconds(ours), seconds(call)
                if round_ >= 0:
                    entry = found.setdefault(name, {})
                    entry.setdefault(what, []).append(its)
                    entry.setdefault(f"{what} times ddasp", []).append(its / before)
    return found


def long_table(found: dict[str, dict[str, list[float]]]) -> Iterator[str]:
    yield "| | log-mel [ms] | range | times real time | times ddasp | MFCC [ms] | times ddasp |"
    yield "|---|---|---|---|---|---|---|"
    for name, entry in sorted(
        found.items(), key=lambda item: statistics.median(item[1]["log-mel"])
    ):
        t = [1e3 * s for s in entry["log-mel"]]
        line = (
            f"| {name} | {statistics.median(t):,.1f} | {min(t):,.1f} to {max(t):,.1f} | "
            f"{MINUTES * 60e3 / statistics.median(t):,.0f} | {_ratio(name, entry, 'log-mel')} | "
        )
        if "MFCC" in entry:
            cost = 1e3 * statistics.median(entry["MFCC"])
            yield line + f"{cost:,.1f} | {_ratio(name, entry, 'MFCC')} |"
        else:
            yield line + "| |"


def _ratio(name: str, entry: dict[str, list[float]], what: str) -> str:
    ratio = statistics.median(entry[f"{what} times ddasp"])
    return "1" if name == OURS else f"{ratio:,.2f}" if ratio < 10 else f"{ratio:,.1f}"


# ---- a folder of short files -------------------------------------------------------------------


def make_files(folder: Path) -> list[str]:
    """Decaying tones of a third to two thirds of a second, as long as spoken digits."""
    import soundfile as sf

    rng, names = np.random.default_rng(0), []
    for k in range(N_FILES):
        t = np.arange(int(rng.uniform(0.33, 0.67) * FILE_RATE)) / FILE_RATE
        tone = np.sin(2 * np.pi * rng.uniform(100, 2000) * t) * np.exp(-5 * t)
        names.append(str(folder / f"{k}.wav"))
        sf.write(names[-1], 0.3 * tone + 0.01 * rng.normal(size=len(t)), FILE_RATE)
    return names


def file_by_ddasp(path: str) -> tuple[np.ndarray, np.ndarray]:
    from ddasp.audio import files, mel
    from ddasp.audio.mel_spectrogram import log_mel_spectrogram

    sound = files.read(path)
    bands = mel.MelBands(FILE_MELS, 0.0, sound.rate / 2)
    x = files.to_mono(sound.samples)
    L = log_mel_spectrogram(x, sound.rate, bands, FILE_LENGTH, FILE_HOP)
    return L, mel.mfcc(L, N_MFCC)


def file_by_librosa(path: str) -> tuple[np.ndarray, np.ndarray]:
    import librosa

    y, rate = librosa.load(path, sr=None)
    S = librosa.feature.melspectrogram(
        y=y, sr=rate, n_fft=FILE_LENGTH, hop_length=FILE_HOP, n_mels=FILE_MELS
    )
    L = librosa.power_to_db(S)
    return L, librosa.feature.mfcc(S=L, n_mfcc=N_MFCC)


def some_files(which: str, names: list[str]) -> int:
    """What a worker does; returns the number of values, so that nothing is left out."""
    one = file_by_ddasp if which == OURS else file_by_librosa
    return sum(L.size + C.size for L, C in map(one, names))


def folder() -> dict[str, dict[str, list[float]]]:
    """Seconds of the clock for all files, three rounds: one process, and one for each core."""
    found: dict[str, dict[str, list[float]]] = {}
    cores = len(os.sched_getaffinity(0))
    with (
        tempfile.TemporaryDirectory() as place,
        ProcessPoolExecutor(cores, get_context("spawn")) as pool,
    ):
        names = make_files(Path(place))
        parts = [names[k : k + 100] for k in range(0, len(names), 100)]
        for which in (OURS, "librosa"):  # imports, caches
            some_files(which, names[:5])
            list(pool.map(some_files, [which] * 2 * cores, [names[:50]] * 2 * cores))
        for _ in range(3):
            for which in (OURS, "librosa"):
                entry = found.setdefault(which, {})
                clock, cpu = time.perf_counter(), time.process_time()
                some_files(which, names)
                entry.setdefault("one process", []).append(time.perf_counter() - clock)
                entry.setdefault("its processor time", []).append(time.process_time() - cpu)
                clock = time.perf_counter()
                list(pool.map(some_files, [which] * len(parts), parts))
                entry.setdefault(f"{cores} processes", []).append(time.perf_counter() - clock)
    return found


def folder_table(found: dict[str, dict[str, list[float]]]) -> Iterator[str]:
    columns = list(found[OURS])
    yield "| seconds, median of three | " + " | ".join(columns) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for name, entry in found.items():
        yield (
            f"| {name} | "
            + " | ".join(f"{statistics.median(entry[c]):.2f}" for c in columns)
            + " |"
        )
    ratios = (
        statistics.median(
            theirs / ours for theirs, ours in zip(found["librosa"][c], found[OURS][c], strict=True)
        )
        for c in columns
    )
    yield "| times ddasp | " + " | ".join(f"{r:.1f}" for r in ratios) + " |"


# ---- three hours through a stream --------------------------------------------------------------


def memory() -> dict[str, float]:
    """Largest memory of a process that computes log-mel and MFCC of hours of sound."""
    from ddasp.audio import mel
    from ddasp.audio.frame_stream import FrameStream
    from ddasp.audio.mel_spectrogram import log_mel_frames

    rng, bands = np.random.default_rng(0), mel.MelBands(N_MELS, 0.0, RATE / 2)
    stream, total, n_frames = FrameStream(LENGTH, HOP), np.zeros(N_MFCC), 0
    minute = (0.1 * rng.normal(size=60 * RATE)).astype(np.float32)
    start = time.process_time()
    for second in range(HOURS * 3600 + 1):
        at = second % 60 * RATE
        last = second == HOURS * 3600
        F = stream.flush() if last else stream.push(minute[at : at + RATE])
        C = mel.mfcc(log_mel_frames(F, RATE, bands), N_MFCC)
        total += C.sum(axis=0, dtype=np.float64)
        n_frames += len(C)
    assert n_frames == 1 + HOURS * 3600 * RATE // HOP, n_frames
    return {
        "largest memory [MiB]": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "processor time [s]": time.process_time() - start,
    }


# ---- the page ----------------------------------------------------------------------------------


def child(part: str, *arguments: str, n_threads: int = 1) -> Any:
    """What a part finds, in a process of its own."""
    command = [sys.executable, __file__, "--child", part, *arguments]
    environment = {**os.environ, **dict.fromkeys(THREADS, str(n_threads))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended early:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def figure(everything: dict[str, dict[str, dict[str, list[float]]]]) -> str:
    """Times real time on a logarithmic axis, a row for each program."""
    from ddasp.plot.canvas import grid, new, style
    from ddasp.plot.svg import to_svg
    from ddasp.plot.tokens import category, css

    first = next(iter(everything.values()))
    names = sorted(first, key=lambda name: statistics.median(first[name]["log-mel"]))
    with style():
        drawn, axes = new(90 + 26 * len(names), width=680)
        for k, (dtype, found) in enumerate(everything.items()):
            ink, marker = category(k)
            rows = [row for row, name in enumerate(names) if name in found]
            speeds = [
                MINUTES * 60 / statistics.median(found[names[row]]["log-mel"]) for row in rows
            ]
            axes.plot(speeds, rows, marker, color=ink, label=dtype, linestyle="none")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda speed, _: f"{speed:,.0f}")
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel("log-mel spectrum, times real time, one thread")
        grid(axes, "x")
        drawn.legend(loc="outside lower center", ncols=2, frameon=False)
    svg = to_svg(
        drawn,
        alt="How many times faster than real time eight ways compute a log-mel spectrum; the "
        "compiled loop of ddasp is the quickest, ahead of the FFT alone.",
        title="Log-mel spectra, times real time",
    )
    # a file of its own carries its colours and its font with it, for light and dark
    head, _, body = svg.partition(">")
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    font = "text{font-family:system-ui,'DejaVu Sans',sans-serif}"
    return f"{head}><style>{css()}{font}</style>{body}"


def machine() -> str:
    """What this was measured on."""
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        model = found[1] if found else model
    packages = ("numpy", "scipy", "numba", "librosa", "torch", "kaldi-native-fbank", "soundfile")
    versions = ", ".join(f"{p} {version(p)}" for p in packages)
    return f"{model}, {os.cpu_count()} cores; Python {platform.python_version()}; {versions}."


def main() -> None:
    parser = argparse.ArgumentParser(description="Features of sound beside the peers.")
    parser.add_argument("--parts", nargs="+", default=["long", "folder", "memory"])
    parser.add_argument("--child", nargs="+", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--write", type=Path, help="folder of the page and its figure")
    arguments = parser.parse_args()
    if arguments.child:
        part, *rest = arguments.child
        found = long(rest[0], int(rest[1])) if part == "long" else globals()[part]()
        print(json.dumps(found))
        return
    pieces, cores = [f"`make bench-features` on {machine()}"], len(os.sched_getaffinity(0))
    if "long" in arguments.parts:
        one_thread = {}
        for n_threads in sorted({1, cores}):
            for dtype in ("float32", "float64"):
                found = child("long", dtype, str(n_threads), n_threads=n_threads)
                used = "one thread" if n_threads == 1 else f"{n_threads} threads"
                pieces.append(
                    f"### Two minutes, {dtype}, {used}\n\n" + "\n".join(long_table(found))
                )
                print(pieces[-1], flush=True)
                if n_threads == 1:
                    one_thread[dtype] = found
        if arguments.write is not None:
            (arguments.write / "features.svg").write_text(figure(one_thread), "utf-8")
    if "folder" in arguments.parts:
        pieces.append(f"### {N_FILES:,} files\n\n" + "\n".join(folder_table(child("folder"))))
        print(pieces[-1], flush=True)
    if "memory" in arguments.parts:
        lines = [f"- {name}: {value:,.0f}" for name, value in child("memory").items()]
        pieces.append(f"### {HOURS} hours through a stream\n\n" + "\n".join(lines))
        print(pieces[-1], flush=True)
    if arguments.write is not None:
        page = arguments.write / "features.md"
        marked = "<!-- features -->\n" + "\n\n".join(pieces) + "\n<!-- /features -->"
        pattern = r"<!-- features -->.*<!-- /features -->"
        text = re.sub(pattern, lambda _: marked, page.read_text("utf-8"), flags=re.S)
        page.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
