"""`python -m deploy` is `terrafusion`, also where the console script is not installed."""

from deploy.cli import main

if __name__ == "__main__":
    main()
