"""The errors of ddasp: every one has a code, says what came, what was expected and the likely cause.

*Conventions*: ``E-...`` stops what was asked for (or rejects one file), ``W-...`` is a finding
that stands beside a result. `CODES` is the one list of them; ``docs/errors.md`` is made from it.
"""

from __future__ import annotations

import errno

__all__ = [
    "CODES",
    "SHORTAGES",
    "AudioError",
    "DdaspError",
    "DependencyError",
    "InputError",
    "RunError",
]

# What the system lacks for a moment; no fault of the file that was to be opened then.
SHORTAGES = (errno.ENOMEM, errno.EMFILE, errno.ENFILE)

# code: (what it means, what to do)
CODES: dict[str, tuple[str, str]] = {
    "E-ARGUMENT": ("An argument has the wrong shape, type or value.", "Compare it with the docstring that the message names."),
    "E-AUDIO-FORMAT": ("The content is no sound format that can be read.", "Convert it to WAV or FLAC, or install ddasp[av] for m4a, mp4, webm."),
    "E-AUDIO-HEADER": ("The file begins like a sound file, but its header is cut or malformed.", "Copy or export the file again."),
    "E-AUDIO-EMPTY": ("The file holds no samples.", "Record or export it again, or delete it."),
    "E-AUDIO-CORRUPT": ("Decoding stopped inside the file.", "Copy or export the file again."),
    "E-AUDIO-DECODER": ("The decoder crashed, hung or wanted too much memory on the file; it was ended, and the others went on.", "Convert the file with another program, or take it out; a newer soundfile (or PyAV) may read it."),
    "E-AUDIO-TOOLONG": ("The file declares more samples than the cap allows.", "Cut the recording, or raise `max_duration` in problem.toml."),
    "E-AUDIO-CHANNELS": ("The number of channels is outside 1 to 64.", "Export with fewer channels."),
    "E-AUDIO-RATE": ("The sampling rate is outside 1 kHz to 768 kHz.", "Correct the header or resample the file."),
    "E-AUDIO-NONFINITE": ("The samples contain NaN, infinity or numbers that no sound can have.", "Export the file again; a plug-in or a division by zero made them."),
    "E-PATH-TYPE": ("The path is no regular file (a directory, pipe, socket or device).", "Give a regular file."),
    "E-PATH-MISSING": ("The path does not exist, or is a link to nothing.", "Check the spelling and the link's target."),
    "E-PATH-OUTSIDE": ("A link leads out of the folder of sounds.", "Copy the file into the folder."),
    "E-PATH-PERM": ("The file may not be read.", "Change its permissions."),
    "E-LABEL": ("No label could be found for the file.", "Mend the pattern, the folder or the row of the CSV."),
    "E-PROBLEM": ("problem.toml, or homework.toml, is not valid.", "The message names the key, the value and what is allowed."),
    "E-DATA": ("There is too little data, or data of the wrong kind, for what was asked.", "The message says what is missing."),
    "E-MODEL": ("The model folder can't be trusted or read, or is not fit for what was asked.", "The message says what is wrong; a model is made again with `ddasp run`."),
    "E-RUN": ("The run folder is in use, damaged, or was made by something else.", "The message says which, and what to do."),
    "E-CHANGED": ("An input changed while it was being used.", "Run again; what is unaffected is not computed again."),
    "E-DISK": ("Writing failed; nothing half-written was left.", "Free space or check permissions, then run again."),
    "E-MEMORY": ("There is too little memory, or too few files may be open, for what was asked.", "Close other programs, or try again with --workers 1; what is finished is kept."),
    "E-DEPENDENCY": ("An optional package is missing.", "Install it with the command in the message."),
    "E-DEVICE": ("There is no such microphone, or it gives no sound.", "Name another with --device; on Linux `arecord -l` lists them."),
    "E-ACCESS": ("The playground did not let a request in: its name, origin, token, path or method is wrong.", "Open the address that the start printed, with its #token."),
    "E-SUBMISSION": ("The homework can't be read, or does not say whose and which it is.", "Hand in the notebook or the .py file that `ddasp homework new` wrote, with its TASK and STUDENT."),
    "E-ARCHIVE": ("The zip file is refused as a whole: damaged, too large, or with names or kinds of files that have no place in it.", "Pack the notebook and its files again, without folders inside archives, links or programs."),
    "E-SANDBOX": ("There is no sandbox that foreign code could run in.", "On Linux install bubblewrap; `--unsandboxed` grades without one, with your own rights."),
    "W-AUDIO-TRUNCATED": ("The header declares more samples than the file holds; those present are used.", "Copy the file again if the end matters."),
    "W-HEADER": ("The fields of the file's header contradict each other; the samples may be wrong.", "Listen to it, or export it again."),
    "W-EXTENSION": ("The name's ending doesn't match the content; the content decides.", "Rename the file."),
    "W-CLIP": ("Samples stand at full scale or beyond.", "Record with less gain; clipped sounds carry harmonics of their own."),
    "W-DC": ("The mean is far from zero.", "Remove the offset of the sound card."),
    "W-SILENT": ("Nearly nothing is heard.", "Check whether the recording failed."),
    "W-SHORT": ("The sound is shorter than one analysis frame; it is padded with zeros.", "Check whether it was cut by mistake."),
    "W-RATE": ("The sampling rate differs from most files; it is resampled.", "Check that the rate does not tell the class."),
    "W-DUPLICATE": ("The same sound stands in another file; both always stay on one side of a split.", "Delete one, or keep both knowingly."),
    "W-CONFLICT": ("The same sound carries two different labels.", "Listen, and decide for one label."),
    "W-NAME": ("The file name is no valid UTF-8; it is shown with escapes.", "Rename the file."),
    "W-RARE": ("The class has too few sounds to be learned and tested; it is set aside.", "Record more of it, or merge it with another class."),
    "W-LABEL-TYPO": ("Two labels differ by one character or by case.", "Check whether they are the same class."),
    "W-OVERRUN": ("Sound of the microphone was lost because the machine was too slow.", "Close other programs, or declare windows with a longer hop."),
    "W-DIVERGED": ("The loss is no longer a finite number.", "Lower the learning rate, or standardise the features."),
    "W-ENGINE": ("Numba can't be loaded; NumPy computes instead: the same numbers up to rounding, more slowly.", "Install it with `pip install numba`."),
    "W-NOGROUP": ("No groups are known; sounds of one source may stand on both sides of a split.", "Give `group` in problem.toml: speaker, device, recording or day."),
    "W-GAP": ("Windows without one clear label were left out.", "Check the label track, or shorten the window."),
}  # fmt: skip


class DdaspError(Exception):
    """An error with a code of `CODES`; ``str()`` begins with the code.

    Parameters
    ----------
    code : str
        One of `CODES`.
    message : str
        Argument, what came, what was expected, likely cause.

    Examples
    --------
    >>> print(DdaspError("E-DATA", "labels holds one class; expected two or more"))
    E-DATA: labels holds one class; expected two or more
    """

    def __init__(self, code: str, message: str) -> None:
        if code not in CODES:
            raise KeyError(f"{code} is no code of ddasp; known: {', '.join(CODES)}")
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class InputError(DdaspError, ValueError):
    """What the caller gave is wrong (exit code 2 on the command line)."""


class AudioError(DdaspError):
    """One sound file can't be used; a folder's run goes on without it."""


class RunError(DdaspError):
    """The run itself failed (exit code 1 on the command line)."""


class DependencyError(DdaspError, ImportError):
    """A package of an extra is missing; the message holds the command that installs it."""
