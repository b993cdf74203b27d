"""The reimplementation: one file per step, pure functions, no mm* imports.

Every file offers array-level functions (``draw_*`` takes random numbers, the
others apply them) and one ``*_sample`` function that performs the step on a
:class:`parity.sample.Sample`. The adapter of the same name in ``reference/``
performs it with live mmsegmentation.
"""
