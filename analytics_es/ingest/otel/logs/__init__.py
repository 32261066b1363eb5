"""Log records of coding agents as events: one file declares one agent, one reader reads them all."""
