#include "run/steps.h"

#include "base/memory.h"
#include "base/message.h"
#include "rebuild/system.h"

/* With systemd(1) there is its slice in the cgroup file system. */
bool steps_have_systemd(const struct settings *settings)
{
	return access(settings->system_slice_path, F_OK) == 0;
}

bool steps_are_permitted(const struct run *run)
{
	_cleanup_free_ char *directory = xstrdup(run->target.profile);

	*strrchr(directory, '/') = '\0';
	return access(directory, W_OK) == 0;
}

int step_run(struct supervision *supervision, const struct strv *argv)
{
	struct child *child = &supervision->child;

	child->program = argv->words[0];
	child->argv = argv->words;
	child->pid = 0;
	supervision->is_step = true;
	supervision->exited = false;
	supervision->timed_out = supervision->flooded = false;
	supervision->exit_status = 0;
	output_begin_line(supervision->output);
	supervise(supervision);
	return supervision->exit_status;
}

static int run_switch(struct supervision *supervision, const char *system,
	const char *how, bool as_unit)
{
	_cleanup_strv_ struct strv argv = {0};

	if (as_unit)
		strv_add_words(&argv, "systemd-run", "-E", "LOCALE_ARCHIVE", "-E",
			"NIXOS_INSTALL_BOOTLOADER=0", "-E", "NIXOS_NO_CHECK=1",
			"--collect", "--no-ask-password", "--pipe", "--quiet",
			"--service-type=exec",
			"--unit=nixos-rebuild-switch-to-configuration");
	else
		strv_add_words(
			&argv, "env", "NIXOS_INSTALL_BOOTLOADER=0", "NIXOS_NO_CHECK=1");
	strv_take(&argv, xasprintf("%s/bin/switch-to-configuration", system));
	strv_add(&argv, how);
	return step_run(supervision, &argv);
}

/* If systemd-run is missing (as in some old systems), in this process' own unit. */
static int switch_to(struct supervision *supervision, const struct run *run,
	const char *system, const char *how)
{
	const int status =
		run_switch(supervision, system, how, steps_have_systemd(run->settings));

	return status == EXIT_NOT_FOUND || status == EXIT_CANNOT_RUN
		       ? run_switch(supervision, system, how, false)
		       : status;
}

bool step_is_active(const struct run *run, const char *system)
{
	_cleanup_system_ struct system_state now =
		system_read(run->settings, &run->target);

	return now.running && streq(now.running, system);
}

bool step_activate(
	struct supervision *supervision, const struct run *run, const char *system)
{
	(void)switch_to(supervision, run, system, "test");
	/* systemd-run needs a bus, which what runs may have stopped. */
	if (steps_have_systemd(run->settings) && !step_is_active(run, system))
		(void)run_switch(supervision, system, "test", false);
	return step_is_active(run, system);
}

static int set_profile(
	struct supervision *supervision, const struct run *run, const char *system)
{
	_cleanup_system_ struct system_state now =
		system_read(run->settings, &run->target);
	_cleanup_strv_ struct strv argv = {0};

	if (now.profile && streq(now.profile, system))
		return 0;
	strv_add_words(&argv, "nix-env", "-p", run->target.profile, "--set", system);
	return step_run(supervision, &argv);
}

int step_keep(struct supervision *supervision, const struct run *run, const char *system)
{
	const int status = set_profile(supervision, run, system);

	return status ? status : switch_to(supervision, run, system, "boot");
}

void steps_go_back(struct supervision *supervision, const struct run *run)
{
	const char *system = run->back.system;

	if (!step_activate(supervision, run, system)) {
		if (!supervision->exit_status)
			supervision->exit_status = EXIT_OWN_FAILURE;
		error("the old system was not activated: what boots is left as it was");
	} else if (step_keep(supervision, run, system)) {
		error("the old system runs, but could not be set to boot: do that "
		      "before the next restart (%s/bin/switch-to-configuration boot)",
			system);
	}
}
