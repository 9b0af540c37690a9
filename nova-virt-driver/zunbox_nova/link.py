"""`python3 -m zunbox_nova.link`: lets this machine's Nova find the driver. Nova imports drivers only from its own nova.virt."""
import importlib.util
import os
import sys


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    nova = importlib.util.find_spec('nova')
    if nova is None:
        sys.exit('Nova is not installed for %s.' % sys.executable)
    link = os.path.join(nova.submodule_search_locations[0], 'virt', 'zunbox_nova')
    if os.path.islink(link):
        os.unlink(link)
    os.symlink(here, link)
    print('%s -> %s\nIn nova.conf: compute_driver = zunbox_nova.driver.ZunboxDriver' % (link, here))


if __name__ == '__main__':
    main()
