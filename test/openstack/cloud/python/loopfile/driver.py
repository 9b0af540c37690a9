"""A back end of Cinder for hosts whose kernel has no iSCSI, NBD, NFS or device mapper: each volume is a sparse file, and its
connection the loop device over it. The connection's type is "local", which whoever attaches it on this host takes as it is.
"""
import os

from cinder import interface
from cinder.image import image_utils
from cinder.volume import configuration, driver
from oslo_concurrency import processutils
from oslo_config import cfg

GIB = 2 ** 30
OPTIONS = [
    cfg.StrOpt('loopfile_folder', default='$state_path/volumes', help='Where the files are'),
    cfg.IntOpt('loopfile_capacity', default=200, help='GiB that are given away at most'),
]
cfg.CONF.register_opts(OPTIONS, group=configuration.SHARED_CONF_GROUP)


@interface.volumedriver
class LoopFileDriver(driver.VolumeDriver):
    VERSION = '1.0'

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)

    def check_for_setup_error(self):
        if not os.path.exists('/dev/loop-control'):
            raise RuntimeError('this kernel has no loop devices')

    # Files: volumes and snapshots alike, by the name that Cinder gives them.

    def _file(self, thing):
        return os.path.join(self.configuration.loopfile_folder, thing.name)

    def _grow(self, thing, gib):
        processutils.execute('truncate', '--size=%dG' % gib, self._file(thing))

    def _copy(self, source, target, gib):
        processutils.execute('cp', '--sparse=always', self._file(source), self._file(target))
        self._grow(target, gib)

    def _remove(self, thing):
        if os.path.exists(self._file(thing)):
            os.remove(self._file(thing))

    def create_volume(self, volume):
        self._grow(volume, volume.size)

    def delete_volume(self, volume):
        self._detach(volume)
        self._remove(volume)

    def extend_volume(self, volume, new_size):
        self._grow(volume, new_size)
        device = self._device(volume)
        if device:
            processutils.execute('losetup', '--set-capacity', device)

    def create_snapshot(self, snapshot):
        self._copy(snapshot.volume, snapshot, snapshot.volume_size)

    def delete_snapshot(self, snapshot):
        self._remove(snapshot)

    def create_volume_from_snapshot(self, volume, snapshot):
        self._copy(snapshot, volume, volume.size)

    def create_cloned_volume(self, volume, src_vref):
        self._copy(src_vref, volume, volume.size)

    def copy_image_to_volume(self, context, volume, image_service, image_id):
        image_utils.fetch_to_raw(context, image_service, image_id, self._file(volume),
                                 self.configuration.volume_dd_blocksize, size=volume.size)
        self._grow(volume, volume.size)

    # Connections.

    def _device(self, volume):
        out, _err = processutils.execute('losetup', '--noheadings', '--output', 'NAME', '--associated', self._file(volume))
        return out.split()[0] if out.strip() else None

    def _detach(self, volume):
        device = self._device(volume)
        if device:
            processutils.execute('losetup', '--detach', device)

    def initialize_connection(self, volume, connector, **kwargs):
        device = self._device(volume)
        if not device:
            device = processutils.execute('losetup', '--find', '--show', self._file(volume))[0].strip()
        return {'driver_volume_type': 'local',
                'data': {'device_path': device, 'volume_id': volume.id, 'access_mode': 'rw'}}

    def terminate_connection(self, volume, connector, **kwargs):
        self._detach(volume)

    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        self._detach(volume)

    def get_volume_stats(self, refresh=False):
        folder = self.configuration.loopfile_folder
        capacity = self.configuration.loopfile_capacity
        used = sum(os.stat(os.path.join(folder, name)).st_size for name in os.listdir(folder)) / GIB
        return {'volume_backend_name': self.configuration.safe_get('volume_backend_name'), 'driver_version': self.VERSION,
                'vendor_name': 'none', 'storage_protocol': 'local', 'total_capacity_gb': capacity,
                'free_capacity_gb': max(capacity - used, 0), 'reserved_percentage': 0, 'QoS_support': False, 'multiattach': False}
