# shellcheck shell=bash
# sshd.sh - a real sshd on loopback for hooks that go to another machine, on top of lib.sh: $SSHD is its port, $SSH a
# folder with the keys user and stranger, of which user may log in, and with known_hosts and other_hosts, which has a
# wrong key.
#
# Touches: what lib.sh touches; /run/sshd as root.
# shellcheck disable=SC2034,SC2153,SC2154 # names of the test and of lib.sh

sshd_start() {
	SSH=$SCRATCH/ssh
	mkdir -m 700 "$SSH"
	for key in host user stranger; do
		ssh-keygen -q -t ed25519 -N '' -f "$SSH/$key"
	done
	free_port; SSHD=$PORT
	cp "$SSH/user.pub" "$SSH/authorized_keys"
	echo "[127.0.0.1]:$SSHD $(cut -d ' ' -f 1,2 "$SSH/host.pub")" >"$SSH/known_hosts"
	echo "[127.0.0.1]:$SSHD $(cut -d ' ' -f 1,2 "$SSH/stranger.pub")" >"$SSH/other_hosts"
	cat >"$SSH/sshd_config" <<END_OF_CONF
ListenAddress 127.0.0.1:$SSHD
HostKey $SSH/host
PidFile $SSH/pid
AuthorizedKeysFile $SSH/authorized_keys
StrictModes no
KexAlgorithms curve25519-sha256
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
END_OF_CONF
	if [ "$(id -u)" -eq 0 ] && [ ! -d /run/sshd ]; then
		mkdir -m 755 /run/sshd              # sshd refuses to start without it
	fi
	start sshd "$(command -v sshd)" -D -e -f "$SSH/sshd_config"
	SSHD_PID=$PID
	within 10 listens "$SSHD"
}
