{
  services = [ "sshd" ];
}
