#!/bin/sh
# Make the virtual environment $1 with python $2 and install the pinned set; called by make.
set -eu
venv=$1
python=$2

fail() {
    echo "error: $1" >&2
    exit 2
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
    fail "$python is missing or older than Python 3.10; run for example: make PYTHON=python3.11"

if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
    # Debian and Ubuntu keep what venv needs in a package of its own.
    package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] ||
        fail "$python has no venv module; on Debian and Ubuntu: sudo apt-get install $package"
    echo "installing $package, which this Python needs to make virtual environments"
    apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends "$package" ||
        fail "apt-get could not install $package"
    "$python" -m venv --clear "$venv"
fi

pip="$venv/bin/python -m pip --disable-pip-version-check"
$pip install -c constraints.txt -e '.[reference,dev]'

if ! "$venv/bin/python" -c 'import cv2' 2>/dev/null; then
    # No libGL on this machine: the build without windows, of the same version, needs none.
    version=$(sed -n 's/^opencv-python==//p' constraints.txt)
    echo "OpenCV cannot find libGL here; taking its headless build $version"
    $pip install --no-deps --force-reinstall "opencv-python-headless==$version"
    "$venv/bin/python" -c 'import cv2' || fail "OpenCV does not import; see above"
fi
