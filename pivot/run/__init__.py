"""The run room: deciding as stages become ready, running them, and keeping their outputs safe."""
