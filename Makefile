# Every target does its own set-up on a fresh Debian 13 or Raspberry Pi OS machine.
PY := .venv/bin/python
STAMP := .venv/.ready
OLD := .venv-3.11/.ready
FUZZ_SECONDS ?= 60
SEED ?= 1
SUITE := @$(PY) -m tests.suite

.PHONY: help environment environment311 packages packages-few deb image keys release demo test check long lint unit console system faults fieldtest field-sets boots coverage packaging units fuzz soak year bench docs clean

help:
	@echo "make demo    three real calls on two simulated lines, told on the terminal (KEEP=1 stays up)"
	@echo "make deb     the Debian packages for arm64 and amd64, in build/deb"
	@echo "make docs    the documentation site in all languages, in build/docs"
	@echo "make image   the flashable image for a Raspberry Pi and its signed update, in build/image; as root"
	@echo "             VARIANT=pi5: the experimental one for Raspberry Pi 5, in build/image-pi5"
	@echo "make keys    root, signing key and release key, made once: KEYS=FOLDER NAME=\"Comune di Esempio\""
	@echo "make release  all that is published of a tag, signed, in build/release/VERSION; as root"
	@echo "             BASE_URL=https://… names the web folder it will lie in, KEYS=FOLDER the keys"
	@echo "make test    style, types, all unit tests, and real processes for each promise: minutes"
	@echo "make check   what else must hold before a change lands: half an hour; as root"
	@echo "make long    all that takes minutes to hours, then a table: LONG=\"soak year\" names parts"
	@echo
	@echo "parts of make check, each for itself:"
	@echo "make system  boxes, phones, mail servers, brokers and faults as real processes"
	@echo "make console the console's pages in a real browser, and under attack"
	@echo "make boots   the flashable image built and booted in QEMU"
	@echo "make fieldtest  the field test's suite on the simulated exchange, findings in build/field-test"
	@echo "make field-sets  146 broken lines found by their cause, 51 odd ones passed: a table of results"
	@echo "make faults  power cuts, failing disks, wrong clocks, a hostile LAN: a line of figures each; as root"
	@echo "make coverage, make packaging, make units"
	@echo
	@echo "make bench   one table of measured times, asserts nothing"
	@echo "make fuzz    strangers' bytes against every entrance, FUZZ_SECONDS=60 each"
	@echo "make soak    2,000 calls on a virtual clock, 5 % with a fault; SEED=1 replays"
	@echo "make year    a year of a busy office on a virtual clock, in seconds; SEED=1 replays"

# Texts are compiled wherever a source is newer: $(STAMP) does not know of them.
environment: $(STAMP)
	@$(PY) -m appliance.text
$(STAMP): setup.cfg pyproject.toml constraints.txt scripts/environment.sh
	@scripts/environment.sh
	@touch $(STAMP)

environment311: $(OLD)
$(OLD): setup.cfg pyproject.toml constraints.txt scripts/environment.sh
	@scripts/environment.sh 3.11
	@[ ! -d .venv-3.11 ] || touch $(OLD)

packages-few:
	@scripts/packages.sh few

packages:
	@scripts/packages.sh all

# The same files under version control give the same bytes.
deb: environment
	@scripts/deb.sh

# Warnings are errors; scripts/docs_site.py says what the site is made of.
docs: environment
	@command -v mkdocs >/dev/null || scripts/apt.sh mkdocs-material
	@$(PY) -m scripts.docs_site

# The same files and the same versions of Debian's packages give the same bytes.
image: environment
	@image/build.sh
	@. image/common.sh && export KEYS="$$keys" && if [ -s "$$KEYS/key.pem" ]; \
	then image/bundle.sh "$$work/slot.ext4" "$$version" "$$out"; \
	else echo "no update is signed: there is no $$KEYS/key.pem"; fi

# Once for an organisation; KEYS is the folder, NAME the organisation's.
keys:
	@image/new_key.sh "$(KEYS)" $(if $(NAME),"$(NAME)")

# The same tag gives the same bytes.
release: environment
	@scripts/release.sh

demo: environment
	@$(PY) -m appliance dev demo $(if $(KEEP),--keep)

# Which parts there are, and what each runs, stands in tests/suite.py.
test: environment packages-few
	$(SUITE) test

check: environment environment311 packages
	@scripts/environment.sh fuzz
	$(SUITE) check

# LONG="soak year" names parts, MINUTES is the real soak's, FUZZ_SECONDS each entrance's.
long: environment packages
	@scripts/environment.sh fuzz
	$(SUITE) $(or $(LONG),long)

lint unit: environment
	$(SUITE) $@

system console faults field-sets boots packaging coverage units: environment packages
	$(SUITE) $@

fieldtest: environment packages
	$(SUITE) field-conexant field-usr5637

# Two targets at a time; the seed is printed, and a failing input is kept in build/fuzz.
fuzz: environment
	@scripts/environment.sh fuzz
	@$(PY) -m tests.fuzz --seconds $(FUZZ_SECONDS)

# Minutes of CPU, hours of virtual time; a failing seed's trace is kept in build/soak.
soak: environment
	@$(PY) -m tests.soak --calls 2000 --seed $(SEED)

# A year of simulated time; what must hold is looked at after every decision.
year: environment
	@$(PY) -m tests.year --seed $(SEED)

bench: environment packages
	@$(PY) -m tests.bench

clean:
	rm -rf .venv .venv-3.11 build demo .coverage* .mypy_cache .pytest_cache .ruff_cache
