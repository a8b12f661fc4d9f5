"""When a training stops by itself: at an epoch, at a loss, or when nothing gets better.

*Conventions*: rules are asked at the end of an epoch. Each stops a training once; it speaks again when
it was changed, or when training went back or began anew. Patience looks at the validation loss, where
there is none at the training loss.
"""

from __future__ import annotations

import math

from ddasp.playground.settings import Settings
from ddasp.playground.training.losses import Losses

__all__ = ["StopRules"]


class StopRules:
    """What the rules remember.

    Parameters
    ----------
    epoch : int
        From which on patience counts.
    """

    def __init__(self, epoch: int = 0) -> None:
        self._spoken: set[str] = set()
        self._best, self._best_epoch = math.inf, epoch

    @staticmethod
    def need_losses(settings: Settings) -> bool:
        """Whether a rule looks at the losses of every epoch.

        Parameters
        ----------
        settings : Settings
        """
        return settings.stopLoss > 0 or settings.patience > 0

    def note(self, epoch: int, losses: Losses) -> None:
        """An epoch has ended with these losses.

        Parameters
        ----------
        epoch : int
        losses : tuple of float
            Training, validation, test.
        """
        train, validation, _ = losses
        watched = train if math.isnan(validation) else validation
        if watched < self._best:
            self._best, self._best_epoch = watched, epoch

    def met(self, settings: Settings, epoch: int, train: float) -> str:
        """The first rule that is met and has not spoken yet; blank for none.

        Parameters
        ----------
        settings : Settings
        epoch : int
        train : float
            Training loss; not looked at unless `need_losses`.
        """
        rules = {
            "stop-epoch": 0 < settings.stopEpoch <= epoch,
            "stop-loss": settings.stopLoss > 0 and train <= settings.stopLoss,
            "patience": 0 < settings.patience <= epoch - self._best_epoch,
        }
        for name, holds in rules.items():
            if holds and name not in self._spoken:
                self._spoken.add(name)
                return name
        return ""
