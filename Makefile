# Every target does its own set-up on a fresh Debian 13 or Raspberry Pi OS machine.
PY := .venv-3.13/bin/python
PY311 := .venv-3.11/bin/python
STAMP := .venv-3.13/.ready
FUZZ_SECONDS ?= 60
SEED ?= 1
# Real processes share the machine with whatever else runs there: two of a part's failing tests are
# tried once more, by themselves alone. What failed first is shown whole, and named at the very end.
AGAIN := --reruns 1 --max-suite-reruns 2 --rerun-show-tracebacks

.PHONY: help environment packages deb image demo test lint unit unit311 coverage system console boxes phones fieldtest boots boots-cut boots-updated units bench long faults faulty-disks faulty-boxes faulty-machines faulty-lines faulty-days figures phones-and-faults packaging fuzz soak year clean

help:
	@echo "make demo    four real calls on two simulated lines, followed on the terminal (KEEP=1 stays up)"
	@echo "make deb     the Debian packages for arm64 and amd64, in build/deb"
	@echo "make image   the flashable image for a Raspberry Pi and its signed update, in build/image; as root"
	@echo "             VARIANT=pi5: the experimental one for Raspberry Pi 5, in build/image-pi5"
	@echo "make test    everything that can run on this machine"
	@echo "make console the console's pages in a real browser, and under attack"
	@echo "make boots   the flashable image built and booted in QEMU; nothing where it has passed before"
	@echo "make fieldtest  the field test's suite on the software exchange, findings in build/field-test"
	@echo "make faults  power cuts, failing disks, wrong clocks, a hostile LAN: a line of figures each; as root"
	@echo "make bench   one table of measured times, asserts nothing"
	@echo "make fuzz    strangers' bytes against every entrance, FUZZ_SECONDS=60 each"
	@echo "make soak    2,000 calls on a virtual clock, 5 % with a fault; SEED=1 replays"
	@echo "make year    a year of a busy office on a virtual clock, in seconds; SEED=1 replays"
	@echo "make long    all that takes minutes to hours, then a table: LONG=\"soak year\" names parts"

environment: $(STAMP)
$(STAMP): setup.cfg pyproject.toml scripts/environment.sh
	@scripts/environment.sh
	@touch $(STAMP)

packages:
	@scripts/packages.sh

# The same files under version control give the same bytes.
deb: environment
	@scripts/deb.sh

# The same files and the same versions of Debian's packages give the same bytes.
image: environment
	@image/build.sh
	@. image/common.sh && export KEYS="$${KEYS:-$$out/keys}" && if [ -s "$$KEYS/key.pem" ]; \
	then image/bundle.sh "$$work/slot.ext4" "$$version" "$$out"; \
	else echo "no update is signed: there is no $$KEYS/key.pem"; fi

demo: environment
	@$(PY) -m appliance demo $(if $(KEEP),--keep)

# The unit tests of the two Pythons go side by side: neither needs more than a core.
test: environment packages lint
	@rm -f build/faults*.txt build/second-tries.txt
	@$(MAKE) --no-print-directory -j2 -O unit311 coverage
	@$(MAKE) --no-print-directory system faulty-boxes boots figures units
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=30
	@if [ -s build/second-tries.txt ]; then echo "passed only when tried again:"; cat build/second-tries.txt; fi

lint: environment
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

unit: environment
	$(PY) -m pytest -q -m "not system and not long"

unit311: environment
	@if [ -x $(PY311) ]; then $(PY311) -m pytest -q -m "not system and not long"; \
	else scripts/skipped.sh "Python 3.11" "no python3.11 on this machine"; fi

# The pure rooms' branch coverage must be whole; the soak takes minutes when it is measured.
coverage: environment
	FIGURES=build/faults-pure.txt $(PY) -m coverage run -m pytest -q -m "not system and not long" --ignore=tests/soak
	$(PY) -m coverage report --fail-under=100 --show-missing --skip-covered \
	  --include='appliance/policy/*,appliance/calls/*,appliance/media/*,appliance/lines/modem.py'
	FIGURES=build/faults-soak.txt $(PY) -m pytest -q tests/soak -m "not system and not long"

# Once, on the image's Python. Boxes and phones mostly wait for the telephone's own time: they go
# side by side, after what needs the machine for itself: a browser takes all of it. There are more
# boxes than phones, so what fails without being hurried follows the phones.
PHONES := tests/fieldtest tests/interop tests/lines tests/mail tests/phones tests/stories tests/testphone
system: environment packages
	FIGURES=build/faults-alone.txt $(PY) -m pytest -q -m "system and not long" $(AGAIN) $(addprefix --ignore=,tests/console tests/packaging tests/system tests/faults tests/image $(PHONES))
	@$(MAKE) --no-print-directory console
	@$(MAKE) --no-print-directory -j2 -O boxes phones-and-faults

phones-and-faults:
	@$(MAKE) --no-print-directory -j1 phones fieldtest faulty-disks faulty-machines packaging

packaging: environment
	$(PY) -m pytest -q -m "system and not long" $(AGAIN) tests/packaging

# Minutes: left out where this very content of image/, systemd/ and debian/ has passed before on this
# machine (a stamp in the user's cache says so). A machine is emulated by one processor, so that the
# cuts, and then the files, go beside the updates. What is measured is in build/faults-image.txt.
CUTS := tests/image/test_boots.py
UPDATES := tests/image/test_stick_updates.py
SLOWEST := --durations=12 --durations-min=5
boots: environment packages
	@$(PY) -m tests.image.stamp || { $(MAKE) --no-print-directory -j2 -O boots-updated boots-cut \
	  && $(PY) -m tests.image.stamp --passed; }

boots-cut:
	FIGURES=build/faults-image.txt $(PY) -m pytest -q -m "system and not long" $(AGAIN) $(SLOWEST) $(CUTS)
	$(PY) -m pytest -q -m "system and not long" $(AGAIN) tests/image $(addprefix --ignore=,$(CUTS) $(UPDATES))

boots-updated:
	FIGURES=build/faults-image-updates.txt $(PY) -m pytest -q -m "system and not long" $(AGAIN) $(SLOWEST) $(UPDATES)

console: environment
	@scripts/wapiti.sh
	FIGURES=build/faults-console.txt $(PY) -m pytest -q -m "system and not long" $(AGAIN) tests/console

boxes: environment
	FIGURES=build/faults-lines.txt $(PY) -m pytest -q -m "system and not long" $(AGAIN) tests/system

phones: environment
	FIGURES=build/faults-phones.txt $(PY) -m pytest -q -m "system and not long" $(AGAIN) $(PHONES)

# The short form; the whole is in `make long`. Disks take the processor, boxes mostly wait.
DISKS := $(addprefix tests/faults/test_,failing_calls.py full_disk.py kill_points.py policy_copy.py power_cut.py)
# Whole machines, with times that follow the machine's own: they may go beside others.
MACHINES := tests/faults/systemd tests/faults/test_lasting_error.py tests/faults/test_read_only_box.py
faults: environment packages
	@rm -f build/faults*.txt
	@$(MAKE) --no-print-directory -j2 -O faulty-boxes faulty-disks faulty-machines faulty-lines faulty-days
	@$(MAKE) --no-print-directory figures

figures:
	@cat build/faults-*.txt 2>/dev/null | sort -V | tee build/faults.txt

faulty-disks: environment
	@FIGURES=build/faults-disks.txt $(PY) -m pytest -q -m "not long" $(AGAIN) $(DISKS)

faulty-boxes: environment
	@FIGURES=build/faults-boxes.txt $(PY) -m pytest -q -m "not long" $(AGAIN) tests/faults $(addprefix --ignore=,$(DISKS) $(MACHINES))

faulty-machines: environment
	@FIGURES=build/faults-machines.txt $(PY) -m pytest -q -m "not long" $(AGAIN) $(MACHINES)

# What fails elsewhere in the house: in `make test` these go with their rooms.
ELSEWHERE := tests/system/test_hot_plug.py tests/system/test_wedged.py tests/mail/test_real_server.py \
  tests/policy/test_dialling.py tests/fuzz/test_kept.py tests/console/attack/test_entries.py
faulty-lines: environment
	@FIGURES=build/faults-lines.txt $(PY) -m pytest -q --show-capture=no -m "not long" $(ELSEWHERE)

# Days on a virtual clock: they take the processor, and come last, beside what only waits.
DAYS := tests/soak/test_offline.py tests/soak/test_soak.py
faulty-days: environment
	@FIGURES=build/faults-days.txt $(PY) -m pytest -q --show-capture=no -m "not long" $(DAYS)

# The field test's suite on the software exchange, a make of modem each; it mostly waits.
fieldtest: environment
	@$(MAKE) --no-print-directory -j2 -O fieldtest-conexant fieldtest-usr5637

fieldtest-%: environment
	$(PY) -m pytest -q hw_tests --dialect $* --findings build/field-test/$*

units: environment
	@scripts/verify_units.sh

# Two targets at a time; the seed is printed, and a failing input is kept in build/fuzz.
fuzz: environment
	@$(PY) -m tests.fuzz --seconds $(FUZZ_SECONDS)

# Minutes of CPU, hours of virtual time; a failing seed's trace is kept in build/soak.
soak: environment
	@$(PY) -m tests.soak --calls 2000 --seed $(SEED)

# A year of simulated time; what must hold is looked at after every decision.
year: environment
	@$(PY) -m tests.year --seed $(SEED)

bench: environment packages
	@$(PY) -m tests.bench

# Each part is run, whatever became of the others; ends with a table, and with 1 where one failed.
# LONG="soak year" names some, MINUTES is the real soak's, FUZZ_SECONDS each entrance's.
long: environment packages
	@scripts/wapiti.sh
	@scripts/kernel.sh
	@PY=$(PY) SEED=$(SEED) scripts/long.sh

clean:
	rm -rf .venv-3.13 .venv-3.11 build demo .coverage .mypy_cache .pytest_cache .ruff_cache
