# shellcheck shell=bash
# The tests' own npm packages, installed when the lock file changed: a stamp beside them says which lock file that was.
modules=$CODITECT_SRC/tests/node_modules
if ! cmp -s "$CODITECT_SRC/tests/package-lock.json" "$modules/.installed"; then
    npm ci --prefix "$CODITECT_SRC/tests" --ignore-scripts --no-audit --no-fund --loglevel=error
    cp "$CODITECT_SRC/tests/package-lock.json" "$modules/.installed"
fi
