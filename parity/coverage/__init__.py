"""Which configs of the installed mmsegmentation are equal, stage by stage."""
