# The first process of a sandbox, in mount and process namespaces of its own: makes what a function sees, runs it, and
# ends with it. With its end the kernel ends everything in the sandbox.
#
# SANDBOX_TMP: the folder that becomes /tmp; SANDBOX_TMP_SIZE: a size in bytes, where /tmp is a file system of its own.
# SANDBOX_SHOWN: lines "TO<tab>FROM", what of this machine the image has under /mnt; /mnt/task/bootstrap is the program.
# SANDBOX_USER: uid:gid, or nothing. SANDBOX_PATH: the image's PATH. Every other variable is the function's.
set -eu
mount --make-rprivate /

# The image: a file system of its own over /mnt.
mount -t tmpfs -o mode=0755 image /mnt
while IFS='	' read -r to from; do
    mkdir -p "${to%/*}"
    if [ -d "$from" ]; then mkdir -p "$to"; else : >"$to"; fi
    mount --rbind "$from" "$to"
done <<SHOWN
$SANDBOX_SHOWN
SHOWN

if [ -n "$SANDBOX_TMP_SIZE" ]; then
    owner=${SANDBOX_USER:+,uid=${SANDBOX_USER%:*},gid=${SANDBOX_USER#*:}}
    mount -t tmpfs -o "size=$SANDBOX_TMP_SIZE,mode=0700$owner" tmp /tmp
else
    mount --bind "$SANDBOX_TMP" /tmp
fi

# Everything else can only be read. What can't be changed (a mount of another namespace) stays as it is.
mounts=$(cat /proc/self/mountinfo)
while read -r _ _ _ _ point options _; do
    case "$point $options" in
    "/tmp "* | "/proc "* | *" ro"*) ;;
    *) mount -o remount,bind,ro "$point" 2>/dev/null || true ;;
    esac
done <<MOUNTS
$mounts
MOUNTS
cd /mnt/task

# As the user Lambda has: one without a name, without rights. The shell stays: the end of its parent is its own end,
# which a change of user would make the kernel forget.
user=$SANDBOX_USER
export PATH="$SANDBOX_PATH"
unset SANDBOX_TMP SANDBOX_TMP_SIZE SANDBOX_SHOWN SANDBOX_USER SANDBOX_PATH PWD OLDPWD
if [ -n "$user" ]; then
    setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs --inh-caps=-all \
        --bounding-set=-all /mnt/task/bootstrap
else
    /mnt/task/bootstrap
fi
