{
  services = [ "nginx" ];
}
