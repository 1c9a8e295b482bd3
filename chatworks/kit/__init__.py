"""What every feature stands on and that knows no feature: database, clock, ids, money, errors."""
