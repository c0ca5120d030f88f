# The first process of a sandbox, in mount and process namespaces of its own. It mounts the function's file systems, runs
# the function, and ends with it. Then the kernel kills everything else in the sandbox.
#
# SANDBOX_TMP: the folder that becomes /tmp; SANDBOX_TMP_SIZE: the size of /tmp in bytes, empty for no limit.
# SANDBOX_SHOWN: lines "TO<tab>FROM", paths of this machine that the image shows under /mnt; /mnt/task/bootstrap is the
# program. SANDBOX_USER: uid:gid, or empty. SANDBOX_PATH: the image's PATH. All other variables are for the function.
set -eu
mount --make-rprivate /

# The image is a file system of its own on /mnt.
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

# Everything else becomes read-only, except for mounts of another namespace, which can't be changed.
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

# Run the function as Lambda's user, who has no name and no rights. The shell stays as the parent, because a process that
# changes its user is no longer killed when its own parent ends.
user=$SANDBOX_USER
export PATH="$SANDBOX_PATH"
unset SANDBOX_TMP SANDBOX_TMP_SIZE SANDBOX_SHOWN SANDBOX_USER SANDBOX_PATH PWD OLDPWD
if [ -n "$user" ]; then
    setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs --inh-caps=-all \
        --bounding-set=-all /mnt/task/bootstrap
else
    /mnt/task/bootstrap
fi
