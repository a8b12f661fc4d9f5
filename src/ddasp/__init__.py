"""ddasp: data-driven audio signal processing that you can see through.

Rooms, each standing on those below it:

- `ddasp.apps`: the command line.
- `ddasp.procedure`: the tool chain, six steps from a folder of sounds to a verdict and a model.
- `ddasp.audio`, `ddasp.linear`, `ddasp.nonlinear`: the building blocks; `ddasp.plot`: figures.

Importing `ddasp` loads nothing heavy; import the room you need.
"""

__version__ = "0.1.0"
